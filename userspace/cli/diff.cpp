// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/diff.h"

#include <algorithm>
#include <future>

#include "userspace/cli/build.h"
#include "userspace/cli/compare.h"
#include "userspace/cli/exit_code.h"
#include "userspace/show/difference.h"

namespace edgefw::cli {
namespace {

using Hosts = std::vector<policy::Host>;

// A policy that is compared and not pushed.
engine::World world_of_comparison(Context& context) {
    engine::World world = world_of(context);
    world.for_push = false;
    return world;
}

// Tells the hosts of the policy after as soon as they have their addresses; none where it never comes to that.
class Told {
public:
    ~Told() { tell({}); }
    void tell(const Hosts& hosts) {
        if (!std::exchange(is_told_, true)) promise_.set_value(hosts);
    }
    std::shared_future<Hosts> hosts() { return promise_.get_future().share(); }

private:
    std::promise<Hosts> promise_;
    bool is_told_ = false;
};

// The policy of a file; hosts that the one after names, too, have the addresses that they have in that. `said` takes
// the warnings: what is said of the other one comes first.
Result<engine::Built> build_before(const std::string& file, const std::shared_future<Hosts>& after,
                                   std::vector<std::string>& said, Context& context) {
    engine::World world = world_of_comparison(context);
    const auto ask = world.resolve;
    world.warn = [&said](const std::string& warning) { said.push_back(warning); };
    world.resolve = [ask, &after](policy::Policy& policy) -> Result<Ok> {
        if (policy.hosts.empty()) return Ok{};
        const Hosts& others = after.get();
        const auto known = [&others](const policy::Host& host) {
            return std::find_if(others.begin(), others.end(),
                                [&host](const policy::Host& other) { return other.name == host.name; });
        };
        const bool all_known = std::all_of(policy.hosts.begin(), policy.hosts.end(),
                                           [&](const policy::Host& host) { return known(host) != others.end(); });
        if (!all_known) {
            if (auto done = ask(policy); !done) return done;
        }
        for (policy::Host& host : policy.hosts) {
            if (const auto found = known(host); found != others.end()) host = *found;
        }
        return Ok{};
    };
    return engine::build({file}, world);
}

struct Both {
    Result<engine::Built> before;
    Result<engine::Built> after;
};

// The files are built at once: a large policy takes some tenths of a second.
Both build_both(const std::vector<std::string>& files, Context& context) {
    auto told = std::make_unique<Told>();
    const std::shared_future<Hosts> hosts = told->hosts();
    engine::World world = world_of_comparison(context);
    const auto ask = world.resolve;
    world.resolve = [ask, &told](policy::Policy& policy) -> Result<Ok> {
        auto done = ask(policy);
        told->tell(policy.hosts);
        return done;
    };
    std::vector<std::string> said;
    auto before = std::async(std::launch::async | std::launch::deferred,
                             [&] { return build_before(files.front(), hosts, said, context); });
    Result<engine::Built> after = engine::build({files.back()}, world);
    told.reset();
    Both both{before.get(), std::move(after)};
    for (const std::string& warning : said)
        context.log.warn("warning: {}", warning);
    return both;
}

Result<Both> build(const DiffOptions& options, Context& context) {
    if (options.files.size() == 2) return build_both(options.files, context);
    Result<engine::Built> after = engine::build({options.files.back()}, world_of_comparison(context));
    if (!after) return after.error();
    std::optional<std::string> interface;
    if (!options.interface.empty()) interface = options.interface;
    Result<engine::Built> before = build_in_force(interface, after->policy);
    return Both{std::move(before), std::move(after)};
}

}  // namespace

Result<int> run(const DiffOptions& options, Context& context) {
    if (options.files.size() == 2 && !options.interface.empty())
        return Error{ErrorKind::kUsage, "--iface names what is in force: it goes with one FILE, not with two"};
    const Result<Both> both = build(options, context);
    if (!both) return both.error();
    if (!both->after) return both->after.error();
    if (!both->before) return both->before.error();
    const Result<Compared> compared = compare(*both->before, *both->after);
    if (!compared) return compared.error();
    const auto& [difference, replayed] = *compared;
    if (context.options.json)
        context.out.write(show::difference_json(difference, replayed).dump(2) + "\n");
    else
        context.out.write(show::difference_text(difference, replayed));
    return options.exit_code && !difference.is_none() ? kDiffer : kDone;
}

}  // namespace edgefw::cli
