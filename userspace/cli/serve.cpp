#include "userspace/cli/serve.h"

#include <memory>

#include "userspace/cli/prepare.h"
#include "userspace/names/refresh.h"
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

names::Refresh refresh_of(const ServeOptions& options, const std::shared_ptr<names::Resolver>& resolver,
                          names::Fixed fixed) {
    const names::Refresh::Tables tables{kernel::hosts_in_force, kernel::class_of, kernel::move_hosts};
    const auto ask = [resolver](const std::vector<std::string>& names) { return resolver->ask(names); };
    return {
        tables, ask, std::move(fixed), {std::chrono::seconds(options.shortest), std::chrono::seconds(options.longest)}};
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
    if (options.shortest > options.longest) {
        return Error{ErrorKind::kUsage, "--names-min is above --names-max"};
    }
    Result<names::Fixed> fixed = names::parse_fixed(context.options.resolve);
    if (!fixed) return fixed.error();
    Result<names::Resolver> created = names::Resolver::create(context.options.resolver);
    if (!created) return created.error();
    const auto resolver = std::make_shared<names::Resolver>(std::move(*created));
    observe::Service service{*address,
                             {[] { return kernel::counters(std::nullopt); }, kernel::status, kernel::closed_cards},
                             EDGEFW_VERSION,
                             std::nullopt,
                             refresh_of(options, resolver, std::move(*fixed)),
                             [resolver] { resolver->stop(); }};
    if (!options.policy.empty()) service.watch = watch_of(options, context);
    return observe::serve(std::move(service), context.log);
}

}  // namespace edgefw::cli
