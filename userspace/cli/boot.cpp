// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/boot.h"

#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>

#include "userspace/boot/attempt.h"
#include "userspace/boot/service_manager.h"
#include "userspace/cli/build.h"
#include "userspace/cli/record.h"
#include "userspace/cli/warnings.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/down.h"
#include "userspace/language/read.h"
#include "userspace/show/status.h"

namespace edgefw::cli {
namespace {

// Between two looks at the files, and after how many quiet ones everything is tried again: a profile may have changed,
// a file system may be there now.
constexpr std::chrono::milliseconds kLook{1000};
constexpr int kQuietLooks = 10;

Result<std::string> attach(const std::string& interface, const boot::Config& config, Context& context) {
    const Result<std::string> text = policy::read_regular(config.policy);
    if (!text) return text.error();
    Result<engine::Built> built = engine::build({config.policy, *text}, world_of(context));
    if (!built) return built.error();
    if (auto done = run_policy_tests(*built, context); !done) return done.error();
    kernel::AttachRequest request;
    request.interface = interface;
    request.side = config.side;
    request.mode = config.mode;
    request.egress = config.egress;
    Recorder recorder(context);
    const Result<kernel::Card> card = cli::attach(request, std::move(*built), recorder);
    if (!card) return card.error();
    warn_of(*card, context);
    return show::card_text(*card) + ", generation " + std::to_string(card->generation);
}

// What cannot be read is as good as what is said of it.
std::string read_file(const std::string& file) {
    const Result<std::string> text = policy::read_regular(file);
    return text ? *text : text.error().message;
}

// What a change of means another attempt.
std::string read_files(const std::string& config, const std::string& policy) {
    return read_file(config) + '\0' + read_file(policy);
}

class Boot {
public:
    Boot(const BootOptions& options, Context& context) : options_(options), context_(context) {}

    boot::Outcome attempt() {
        const boot::Loaded loaded = boot::load(options_.config, options_.interface);
        config_ = loaded.config;
        files_.reset();
        boot::Outcome outcome = boot::attempt(loaded, host());
        if (!files_) files_ = read_files(options_.config, config_.policy);
        return outcome;
    }

    // Each state once: attempts that end alike say nothing more.
    void say(const boot::Outcome& outcome) {
        const std::string standing = boot::describe(options_.interface, outcome, config_);
        const std::string error = outcome.error ? outcome.error->message : "";
        std::string status = error.substr(0, error.find('\n'));
        status = standing + (status.empty() ? "" : " (" + status + ")");
        boot::tell_service_manager("READY=1\nSTATUS=" + status);
        // With --once the error is the command's own, and main prints it.
        if (options_.once && outcome.standing != boot::Standing::kArmed)
            context_.log.error("edgefw: {}", standing);
        else if (std::string said = error + "\n" + standing; said != std::exchange(said_, said))
            log(outcome, error, standing);
    }

    // Until another attempt is worth it.
    void wait() const {
        for (int look = 0; look < kQuietLooks; look++) {
            std::this_thread::sleep_for(kLook);
            if (read_files(options_.config, config_.policy) != files_) return;
        }
    }

private:
    boot::Machine host() {
        const std::string& interface = options_.interface;
        return {[&] { return kernel::is_attached(interface); },
                [&](const kernel::ClosedRules& rules) { return close(rules); },
                [&] { return kernel::open_closed(interface); },
                [&](const boot::Config& config) {
                    // Not before the card is closed: a file system may keep a reader waiting.
                    files_ = read_files(options_.config, config.policy);
                    return attach(interface, config, context_);
                },
                [&] { return hold_down(); },
                [&] { return let_up(); }};
    }

    // A card that is closed by these rules already stays so, and its counters go on.
    Result<Ok> close(const kernel::ClosedRules& rules) {
        if (closed_by_ == rules && kernel::is_closed(options_.interface)) return Ok{};
        auto closed = kernel::close(options_.interface, rules);
        if (closed) closed_by_ = rules;
        return closed;
    }

    Result<Ok> hold_down() {
        if (down_) return Ok{};
        auto down = kernel::Down::hold(options_.interface);
        if (!down) return down.error();
        down_ = std::move(*down);
        return Ok{};
    }

    Result<Ok> let_up() {
        if (!down_) return Ok{};
        auto released = down_->release();
        down_.reset();
        return released;
    }

    // Lines of a policy's errors begin with file:line:column.
    void log(const boot::Outcome& outcome, const std::string& error, const std::string& standing) {
        std::istringstream lines(error);
        for (std::string line; std::getline(lines, line);)
            context_.log.error("{}", line);
        if (outcome.standing == boot::Standing::kArmed)
            context_.log.info("edgefw: {}", standing);
        else
            context_.log.error("edgefw: {}", standing);
    }

    const BootOptions& options_;
    Context& context_;
    boot::Config config_;
    std::optional<std::string> files_;  // as the last attempt found them
    std::string said_;
    std::optional<kernel::ClosedRules> closed_by_;
    std::unique_ptr<kernel::Down> down_;
};

}  // namespace

Result<Ok> run(const BootOptions& options, Context& context) {
    // root without CAP_BPF can still set a card down.
    if (auto may = kernel::may_load_programs(); !may && geteuid() != 0) return may.error();
    Boot boot(options, context);
    while (true) {
        if (auto there = kernel::find_card(options.interface); !there) return there.error();
        const boot::Outcome outcome = boot.attempt();
        boot.say(outcome);
        if (outcome.standing == boot::Standing::kArmed) return Ok{};
        if (options.once) return *outcome.error;
        boot.wait();
    }
}

}  // namespace edgefw::cli
