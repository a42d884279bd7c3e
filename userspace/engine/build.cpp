// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/engine/build.h"

#include <algorithm>
#include <chrono>
#include <future>

#include "userspace/document/document.h"
#include "userspace/engine/cost_warning.h"
#include "userspace/image/compile.h"
#include "userspace/names/resolve.h"

namespace edgefw::engine {
namespace {

class Stopwatch {
public:
    std::string lap() {
        const Clock::time_point begin = std::exchange(begin_, Clock::now());
        return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(begin_ - begin).count()) + " ms";
    }

private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point begin_ = Clock::now();
};

struct Texts {
    std::string document;
    std::string sources;
    document::Listing listing;
};

void say(const std::function<void(const std::string&)>& listener, const std::string& line) {
    if (listener) listener(line);
}

Result<Ok> resolve(Loaded& loaded, const World& world) {
    policy::Policy& policy = loaded.policy;
    if (auto done = world.resolve(policy); !done) return done;
    if (policy.hosts.empty()) return Ok{};
    for (auto* tests : {&policy.tests, &loaded.profile_packets}) {
        for (policy::PolicyTest& test : *tests)
            test.packet = names::with_addresses(test.packet, policy.hosts);
    }
    return Ok{};
}

}  // namespace

Result<Built> build(const Source& source, const World& world) {
    Stopwatch watch;
    Result<Loaded> loaded = load(source, world.profiles);
    if (!loaded) return loaded.error();
    policy::Policy& policy = loaded->policy;
    say(world.debug, "read, parse, expand, check: " + watch.lap());
    if (auto done = resolve(*loaded, world); !done) return done.error();
    if (!policy.hosts.empty())
        say(world.debug, "names: " + std::to_string(policy.hosts.size()) + " hosts, " + watch.lap());
    for (const std::string& warning : policy.warnings)
        say(world.warn, warning);
    // Written while the policy is compiled: the one needs nothing of the other.
    auto texts = std::async(std::launch::async | std::launch::deferred, [&] {
        if (!world.for_push) return Texts{};
        return Texts{document::write_text(policy), loaded->sources.to_text(), document::list(policy)};
    });
    Result<image::Image> image = image::compile(policy);
    if (!image) return image.error();
    auto [document, sources, listing] = texts.get();
    for (std::string& warning : cost_warnings(policy, image->shape)) {
        say(world.warn, warning);
        policy.warnings.push_back(std::move(warning));
    }
    say(world.debug, "compile: " + std::to_string(policy.rules.size()) + " rules, " +
                         std::to_string(image->nodes.size()) + " nodes, " + std::to_string(image->insns.size()) +
                         " tests, " + watch.lap());
    kernel::Compiled compiled{std::move(*image), std::move(document), policy.digest, std::move(sources),
                              std::move(listing)};
    return Built{std::move(policy), std::move(loaded->profile_packets), std::move(compiled)};
}

void give_addresses(policy::Policy& policy, const std::vector<policy::Host>& hosts) {
    for (policy::Host& host : policy.hosts) {
        const auto known = std::find_if(hosts.begin(), hosts.end(),
                                        [&](const policy::Host& other) { return other.name == host.name; });
        if (known != hosts.end()) host = *known;
    }
}

Result<Built> build_again(const document::Sources& sources, const std::vector<policy::Host>& hosts, bool for_push) {
    const auto resolve = [&](policy::Policy& policy) -> Result<Ok> {
        give_addresses(policy, hosts);
        return Ok{};
    };
    const World world{.profiles = {{}, sources.profiles}, .resolve = resolve, .for_push = for_push};
    return build({sources.file, sources.text, sources.set_files}, world);
}

}  // namespace edgefw::engine
