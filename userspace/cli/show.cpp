// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/show.h"

#include "userspace/cli/build.h"
#include "userspace/document/document.h"
#include "userspace/document/sources.h"
#include "userspace/engine/load.h"
#include "userspace/kernel/door.h"
#include "userspace/show/hosts.h"
#include "userspace/show/show.h"

namespace edgefw::cli {
namespace {

Result<std::string> document_of(const ShowOptions& options, Context& context) {
    if (!options.policy.empty()) {
        const engine::World world = world_of(context);
        Result<policy::Policy> policy = engine::load_policy({options.policy}, world.profiles);
        if (!policy) return policy.error();
        if (auto done = world.resolve(*policy); !done) return done.error();
        for (const std::string& warning : policy->warnings)
            world.warn(warning);
        return document::write_text(*policy);
    }
    std::optional<std::string> interface;
    if (!options.interface.empty()) interface = options.interface;
    Result<std::string> document = kernel::document_in_force(interface);
    if (document && document->empty()) {
        return failed("no policy is in force: run 'edgefw push FILE', or name a file to show");
    }
    if (!document) return document;
    const Result<std::vector<kernel::HostsInForce>> hosts = kernel::hosts_in_force();
    if (!hosts) return hosts.error();
    return show::with_hosts(*document, *hosts);
}

Result<Ok> show_source(const ShowOptions& options, Context& context) {
    std::optional<std::string> interface;
    if (!options.interface.empty()) interface = options.interface;
    const Result<std::string> text = kernel::sources_in_force(interface);
    if (!text) return text.error();
    if (text->empty()) return failed("no policy is in force: run 'edgefw push FILE'");
    const Result<document::Sources> sources = document::read_sources(*text);
    if (!sources) return sources.error();
    context.out.write(context.options.json ? *text + "\n" : sources->text);
    return Ok{};
}

}  // namespace

Result<Ok> run(const ShowOptions& options, Context& context) {
    if (options.source) return show_source(options, context);
    const Result<std::string> document = document_of(options, context);
    if (!document) return document.error();
    if (context.options.json) {
        const Result<nlohmann::ordered_json> json = show::show_json(*document);
        if (!json) return json.error();
        context.out.write(json->dump(2) + "\n");
        return Ok{};
    }
    const Result<std::string> text = show::show_text(
        *document, context.out.width(), options.members ? show::Members::kListed : show::Members::kCounted);
    if (!text) return text.error();
    context.out.write(*text);
    return Ok{};
}

}  // namespace edgefw::cli
