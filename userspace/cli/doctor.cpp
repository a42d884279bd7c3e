// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/doctor.h"

#include <algorithm>
#include <filesystem>

#include "userspace/boot/config.h"
#include "userspace/cli/build.h"
#include "userspace/kernel/door.h"
#include "userspace/show/doctor.h"

namespace edgefw::cli {
namespace {

// Every stage of the data path has something to do in it. It is compiled, loaded and judges its one packet; it is never
// attached.
constexpr const char* kEveryStage = R"(version: 1
default: drop
rules:
  - {name: office, side: external, direction: outbound, local: 192.0.2.128/25, action: pass}
  - {name: web, side: external, direction: inbound, protocol: tcp, local: 192.0.2.10, local_port: 443, action: pass}
  - {name: web6, side: external, direction: inbound, protocol: tcp, local: "2001:db8::10", local_port: 443, action: pass}
nat:
  - {name: out, type: masquerade, from: 192.0.2.128/25, as: 198.51.100.1}
  - {name: in, type: port-forward, protocol: tcp, public: 198.51.100.1, public_port: 443, to: 192.0.2.10, to_port: 443}
tests:
  - {packet: "external inbound tcp 203.0.113.9:40000 > 198.51.100.1:443", expect: pass, rule: web}
)";

// What the kernel says to edgefw's own programs; none: it takes them.
Result<std::optional<Error>> try_programs(Context& context) {
    const Result<engine::Built> built = engine::build({"doctor", kEveryStage}, world_of(context));
    if (!built) return built.error();
    if (auto judged = run_policy_tests(*built, context); !judged) return std::optional<Error>(judged.error());
    const Result<Ok> verified = kernel::verify(built->compiled);
    return verified ? std::optional<Error>() : verified.error();
}

show::BootFacts read_boot() {
    std::error_code ignored;
    const boot::Loaded loaded = boot::load(boot::kConfigFile, "");
    return {std::filesystem::exists(boot::kConfigFile, ignored), loaded.error ? loaded.error->message : "",
            loaded.config.on_failure == boot::OnFailure::kClosed, loaded.config.closed.ssh_from.size()};
}

Result<show::Facts> read_host(const std::string& interface, Context& context) {
    show::Facts facts;
    facts.card = interface;
    Result<std::vector<kernel::CardFacts>> cards = kernel::list_cards();
    if (!cards) return cards.error();
    facts.cards = std::move(*cards);
    const bool is_there = std::any_of(facts.cards.begin(), facts.cards.end(),
                                      [&](const kernel::CardFacts& card) { return card.name == interface; });
    if (!interface.empty() && !is_there)
        return failed("no card named " + interface +
                      " in this network namespace; `edgefw doctor` lists those there are");
    facts.boot = read_boot();
    facts.platform = kernel::read_platform();
    facts.features = kernel::probe_features();
    Result<std::optional<Error>> refused = try_programs(context);
    if (!refused) return refused.error();
    facts.programs_refused = std::move(*refused);
    Result<kernel::NetworkFacts> network = kernel::network_facts();
    if (!network) return network.error();
    facts.network = std::move(*network);
    if (const auto status = kernel::status(false); !status) facts.state_refused = status.error();
    return facts;
}

}  // namespace

Result<Ok> run(const DoctorOptions& options, Context& context) {
    const Result<show::Facts> facts = read_host(options.interface, context);
    if (!facts) return facts.error();
    const std::vector<show::Finding> findings = show::diagnose(*facts);
    context.out.write(context.options.json
                          ? show::doctor_json(findings, *facts)
                                    .dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
                                "\n"
                          : show::doctor_text(findings, context.out.width()));
    return show::doctor_result(findings);
}

}  // namespace edgefw::cli
