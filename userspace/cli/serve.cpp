// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/serve.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>

#include "userspace/base/sha256.h"
#include "userspace/cli/build.h"
#include "userspace/cli/record.h"
#include "userspace/cli/refresh.h"
#include "userspace/cli/sessions.h"
#include "userspace/cli/warnings.h"
#include "userspace/daemon/serve.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/privileges.h"
#include "userspace/language/read.h"

namespace edgefw::cli {
namespace {

// Who is written down for what nobody typed.
constexpr const char* kUser = "serve";

// `asks_first`: the next push takes answers of the DNS, not what is in force.
daemon::PolicyWatch watch_of(const ServeOptions& options, const std::shared_ptr<std::atomic<bool>>& asks_first,
                             const std::shared_ptr<Recorder>& recorder, Context& context) {
    const std::string file = options.policy;
    const auto push = [file, asks_first, recorder, &context](const std::string& text) -> Result<kernel::PushReport> {
        const Wanted wanted = asks_first->exchange(false) ? Wanted::kAnswers : Wanted::kInForce;
        const Result<engine::Built> built = engine::build({file, text}, world_of(context, wanted));
        if (!built) return built.error();
        if (auto done = run_policy_tests(*built, context); !done) return done.error();
        // Nobody types this, and the file is what was asked for: said, and pushed.
        if (const auto spared = spares_sessions(built->compiled, built->policy.adopt, "", kernel::SessionLook::kPort);
            !spared)
            context.log.warn("warning: {}", spared.error().message);
        recorder->begin();
        Result<kernel::PushReport> report = kernel::push(built->compiled, std::nullopt);
        if (!report) {
            recorder->give_up();
            return report;
        }
        InForce in_force{report->generation, {}};
        for (const kernel::Card& card : report->cards)
            in_force.cards.push_back(card.interface);
        recorder->end(built->policy, built->compiled.sources, in_force);
        return report;
    };
    const auto read = [file]() -> Result<daemon::PolicyWatch::Found> {
        auto text = policy::read_regular(file);
        if (text) {
            auto digest = sha256(*text);
            if (!digest) return digest.error();
            return daemon::PolicyWatch::Found{std::move(*text), std::move(*digest)};
        }
        if (!text.error().message.ends_with(std::strerror(EACCES))) return text.error();
        return failed(text.error().message +
                      "; serve reads as root without its rights over files of others: give the "
                      "file to root, and let others into its folders");
    };
    return {read, push, std::chrono::seconds(options.interval)};
}

// Attaches a card anew under the policy file, as it was attached before.
Result<Ok> attach_anew(const kernel::HookedCard& card, const std::string& file,
                       const std::shared_ptr<Recorder>& recorder, Context& context) {
    if (file.empty())
        return failed("what was pinned of it is gone, and without --policy there is no other policy for it");
    const Result<std::string> text = policy::read_regular(file);
    if (!text) return text.error();
    Result<engine::Built> built = engine::build({file, *text}, world_of(context));
    if (!built) return built.error();
    if (auto done = run_policy_tests(*built, context); !done) return done;
    kernel::AttachRequest request;
    request.interface = card.interface;
    request.side = card.side;
    request.mode = card.mode;
    request.egress = card.egress;
    const Result<kernel::Card> attached = cli::attach(request, std::move(*built), *recorder);
    if (!attached) return attached.error();
    warn_of(*attached, context);
    return Ok{};
}

daemon::HookWatch hooks_of(const ServeOptions& options, const std::shared_ptr<Recorder>& recorder, Context& context) {
    daemon::HookWatch::Keep keep;
    if (options.keep_attached) {
        keep = [file = options.policy, recorder, &context](const kernel::HookedCard& card) {
            return card.is_pinned ? kernel::put_back(card.interface) : attach_anew(card, file, recorder, context);
        };
    }
    return {[] { return kernel::hooked_cards(); }, kernel::mend, keep};
}

}  // namespace

Result<Ok> run(const ServeOptions& options, Context& context) {
    const Result<daemon::ListenAddress> address = daemon::parse_listen_address(options.listen);
    if (!address) return address.error();
    if (options.policy == "-") {
        return Error{ErrorKind::kUsage, "--policy - cannot be watched: name a file"};
    }
    // Better said now than in every scrape.
    const Result<kernel::Status> status = kernel::status(false);
    if (!status && status.error().kind == ErrorKind::kNotPermitted) return status.error();
    if (options.shortest > options.longest) {
        return Error{ErrorKind::kUsage, "--names-min is above --names-max"};
    }
    Result<names::Fixed> fixed = names::parse_fixed(context.options.resolve);
    if (!fixed) return fixed.error();
    Result<names::Resolver> created = names::Resolver::create(context.options.resolver);
    if (!created) return created.error();
    const auto resolver = std::make_shared<names::Resolver>(std::move(*created));
    const auto asks_first = std::make_shared<std::atomic<bool>>(false);
    // Only who will push has a history to write, and opens it before the rights go.
    const auto recorder = options.policy.empty() ? nullptr : std::make_shared<Recorder>(context, kUser);
    const daemon::Refresh::Bounds bounds{std::chrono::seconds(options.shortest), std::chrono::seconds(options.longest)};
    daemon::Service service{
        *address,
        {[known = std::make_shared<kernel::KnownListings>()] { return kernel::counters(std::nullopt, *known); },
         kernel::status, kernel::closed_cards, kernel::hooked_cards, kernel::standing},
        EDGEFW_VERSION,
        std::nullopt,
        refresh_of(resolver, std::move(*fixed), bounds),
        hooks_of(options, recorder, context),
        [resolver] { resolver->stop(); },
        kernel::drop_privileges,
        [asks_first] { *asks_first = true; }};
    if (!options.policy.empty()) service.watch = watch_of(options, asks_first, recorder, context);
    if (!options.drops.empty()) {
        // Before the rights go.
        auto drops = daemon::DropLog::open(options.drops, options.drops_rate,
                                           [](std::uint64_t within) { return kernel::drops(std::nullopt, within); });
        if (!drops) return drops.error();
        service.drops = std::move(*drops);
    }
    return daemon::serve(std::move(service), context.log);
}

}  // namespace edgefw::cli
