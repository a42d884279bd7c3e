// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/diff.h"

#include <algorithm>

#include "userspace/cli/build.h"
#include "userspace/cli/compare.h"
#include "userspace/cli/exit_code.h"
#include "userspace/show/difference.h"

namespace edgefw::cli {
namespace {

// The policy of a file; hosts that `after` names, too, have the addresses that it has for them.
Result<engine::Built> build_before(const std::string& file, const policy::Policy& after, Context& context) {
    engine::World world = world_of(context);
    const auto ask = world.resolve;
    world.resolve = [ask, &after](policy::Policy& policy) -> Result<Ok> {
        const auto known = [&after](const policy::Host& host) {
            return std::find_if(after.hosts.begin(), after.hosts.end(),
                                [&host](const policy::Host& other) { return other.name == host.name; });
        };
        const bool all_known = std::all_of(policy.hosts.begin(), policy.hosts.end(),
                                           [&](const policy::Host& host) { return known(host) != after.hosts.end(); });
        if (!all_known) {
            if (auto done = ask(policy); !done) return done;
        }
        for (policy::Host& host : policy.hosts) {
            if (const auto found = known(host); found != after.hosts.end()) host = *found;
        }
        return Ok{};
    };
    return engine::build({file}, world);
}

Result<engine::Built> before_of(const DiffOptions& options, const policy::Policy& after, Context& context) {
    if (options.files.size() == 2) return build_before(options.files.front(), after, context);
    std::optional<std::string> interface;
    if (!options.interface.empty()) interface = options.interface;
    return build_in_force(interface, after);
}

}  // namespace

Result<int> run(const DiffOptions& options, Context& context) {
    if (options.files.size() == 2 && !options.interface.empty())
        return Error{ErrorKind::kUsage, "--iface names what is in force: it goes with one FILE, not with two"};
    const Result<engine::Built> after = engine::build({options.files.back()}, world_of(context));
    if (!after) return after.error();
    const Result<engine::Built> before = before_of(options, after->policy, context);
    if (!before) return before.error();
    const Result<Compared> compared = compare(*before, *after);
    if (!compared) return compared.error();
    const auto& [difference, replayed] = *compared;
    if (context.options.json)
        context.out.write(show::difference_json(difference, replayed).dump(2) + "\n");
    else
        context.out.write(show::difference_text(difference, replayed));
    return options.exit_code && !difference.is_none() ? kDiffer : kDone;
}

}  // namespace edgefw::cli
