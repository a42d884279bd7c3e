// SPDX-License-Identifier: GPL-2.0-only
// Builds the command line, runs the chosen subcommand, prints its error once and turns it into the exit code.
#include <malloc.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>

#include "userspace/base/terminal.h"
#include "userspace/cli/command_line.h"
#include "userspace/cli/exit_code.h"
#include "userspace/profile/profile_path.h"
#include "userspace/show/problems.h"

namespace edgefw::cli {
namespace {

using Chosen = std::function<Result<int>(Context&)>;  // the exit code

// Most commands have one way to end well.
Result<int> code_of(const Result<Ok>& done) {
    if (!done) return done.error();
    return kDone;
}
Result<int> code_of(const Result<int>& code) {
    return code;
}

// A message without its control characters: it may quote a policy, the DNS or a packet.
class Message : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& to) override {
        const std::string text = for_terminal({message.payload.data(), message.payload.size()});
        to.append(text.data(), text.data() + text.size());
    }
    std::unique_ptr<spdlog::custom_flag_formatter> clone() const override { return std::make_unique<Message>(); }
};

// Lines of a policy's errors begin with file:line:column, for editors to jump to.
void print(const Error& error, spdlog::logger& log) {
    if (error.kind == ErrorKind::kPolicy) {
        log.error("{}", error.message);
    } else {
        log.error("edgefw: {}", error.message);
    }
}

int run_chosen(const Chosen& chosen, const GlobalOptions& options) {
    spdlog::logger log("edgefw", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<Message>('*').set_pattern("%*");
    log.set_formatter(std::move(formatter));
    log.set_level(options.verbose ? spdlog::level::debug : spdlog::level::info);
    for (const std::string& folder : options.profiles) {
        std::error_code ignored;
        if (std::filesystem::is_directory(folder, ignored)) continue;
        print({ErrorKind::kUsage, "--profiles " + folder + ": there is no such folder"}, log);
        return exit_code(ErrorKind::kUsage);
    }
    Output out(STDOUT_FILENO);
    Context context{options, policy::ProfilePath::standard(options.profiles), out, log};
    const Result<int> done = chosen(context);
    if (!done && options.json && done.error().kind == ErrorKind::kPolicy && out.is_unused()) {
        const nlohmann::ordered_json json{{"errors", show::problems_json(done.error())}};
        out.write(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    }
    const Result<Ok> written = out.finish();
    if (!done) {
        print(done.error(), log);
        return exit_code(done.error().kind);
    }
    if (!written) {
        print(written.error(), log);
        return exit_code(written.error().kind);
    }
    return *done;
}

// CLI11 does not name the word that is no command.
std::string what_is_wrong(const CLI::ParseError& stop, const std::vector<std::string>& words) {
    const std::string message = stop.what();
    if (!message.starts_with("A subcommand is required") || words.empty()) return message;
    return "'" + words.front() + "' is no " + (words.front().starts_with('-') ? "option" : "command");
}

// Where parsing stops: with --help or --version, or with what is wrong on the command line.
int end_of_parsing(const CLI::App& app, const CLI::ParseError& stop, const std::vector<std::string>& words) {
    if (stop.get_exit_code() == 0) return app.exit(stop, std::cout, std::cerr);
    std::fprintf(stderr, "edgefw: %s; see 'edgefw --help'\n", for_terminal(what_is_wrong(stop, words)).c_str());
    return exit_code(ErrorKind::kUsage);
}

int run_command_line(int argc, char** argv) {
    CLI::App app("Turns firewall policies into XDP and tcx filters at the network card.", "edgefw");
    CommandLine line;
    Chosen chosen;
    add_global_to(app, line.global, EDGEFW_VERSION);
    for_each_command(app, line, [&chosen](CLI::App& parent, auto& options) {
        add_to(parent, options)->callback([&chosen, &options] {
            chosen = [&options](Context& context) { return code_of(cli::run(options, context)); };
        });
    });
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& stop) {
        return end_of_parsing(app, stop, {argv + 1, argv + argc});
    }
    return run_chosen(chosen, line.global);
}

}  // namespace
}  // namespace edgefw::cli

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);  // a closed pipe ends no push half way; cli/output.h sees it
    // A large policy is in memory in many small pieces. What a thread or a stage gives back is there for the next one,
    // or goes back to the system: without this a push of 100,000 rules takes a third more memory.
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
    mallopt(M_MMAP_THRESHOLD, 2 << 20);
    try {
        return edgefw::cli::run_command_line(argc, argv);
    } catch (const std::bad_alloc&) {
        std::fputs(
            "edgefw: there is not enough memory, and nothing is half in force; join rules, or sets that overlap\n",
            stderr);
        return edgefw::cli::exit_code(edgefw::ErrorKind::kFailed);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "edgefw: %s\n", edgefw::for_terminal(error.what()).c_str());
        return edgefw::cli::exit_code(edgefw::ErrorKind::kFailed);
    }
}
