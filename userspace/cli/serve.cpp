#include "userspace/cli/serve.h"

#include "userspace/cli/prepare.h"
#include "userspace/observe/serve.h"
#include "userspace/policy/read.h"

namespace edgefw::cli {
namespace {

observe::PolicyWatch watch_of(const ServeOptions& options, Context& context) {
    const std::string file = options.policy;
    const auto push = [file, &context](const std::string& text) -> Result<kernel::PushReport> {
        const Result<Prepared> prepared = prepare_text(text, file, context);
        if (!prepared) return prepared.error();
        if (auto done = run_policy_tests(*prepared, context); !done) return done.error();
        return kernel::push(prepared->compiled, std::nullopt);
    };
    return {[file] { return policy::read(file); }, push, std::chrono::seconds(options.interval)};
}

}  // namespace

Result<Ok> run(const ServeOptions& options, Context& context) {
    const Result<observe::ListenAddress> address = observe::parse_listen_address(options.listen);
    if (!address) return address.error();
    if (options.policy == "-") {
        return Error{ErrorKind::kUsage, "--policy - cannot be watched: name a file"};
    }
    // Better said now than in every scrape.
    const Result<kernel::Status> status = kernel::status(false);
    if (!status && status.error().kind == ErrorKind::kNotPermitted) return status.error();
    observe::Service service{
        *address, {[] { return kernel::counters(std::nullopt); }, kernel::status}, EDGEFW_VERSION, std::nullopt};
    if (!options.policy.empty()) service.watch = watch_of(options, context);
    return observe::serve(std::move(service), context.log);
}

}  // namespace edgefw::cli
