// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/show.h"

#include "userspace/cli/prepare.h"
#include "userspace/document/document.h"
#include "userspace/engine/load.h"
#include "userspace/kernel/door.h"
#include "userspace/show/hosts.h"
#include "userspace/show/show.h"

namespace edgefw::cli {
namespace {

Result<std::string> document_of(const ShowOptions& options, Context& context) {
    if (!options.policy.empty()) {
        Result<policy::Policy> policy = engine::load(options.policy, context.profiles);
        if (!policy) return policy.error();
        if (auto done = resolve_hosts(*policy, context); !done) return done.error();
        for (const std::string& warning : policy->warnings)
            context.log.warn("warning: {}", warning);
        return document::write(*policy).dump();
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

}  // namespace

Result<Ok> run(const ShowOptions& options, Context& context) {
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
