// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/status.h"

#include <ctime>

#include "userspace/kernel/door.h"
#include "userspace/show/hosts.h"
#include "userspace/show/status.h"

namespace edgefw::cli {

namespace {

Result<Ok> keep_only(const std::string& interface, kernel::Status& status) {
    std::erase_if(status.cards, [&](const kernel::CardStatus& card) { return card.card.interface != interface; });
    std::erase_if(status.closed, [&](const kernel::ClosedCard& card) { return card.interface != interface; });
    if (!status.cards.empty() || !status.closed.empty()) return Ok{};
    return failed(interface + " is not attached; `edgefw status` lists the cards that are");
}

}  // namespace

Result<Ok> run(const StatusOptions& options, Context& context) {
    Result<kernel::Status> status = kernel::status(true);
    if (!status) {
        // What is closed needs nothing of what may be missing here.
        if (const auto closed = kernel::closed_cards(); closed && !context.options.json)
            context.out.write(show::closed_text(*closed));
        return status.error();
    }
    if (!options.interface.empty()) {
        if (auto kept = keep_only(options.interface, *status); !kept) return kept;
    }
    const Result<std::vector<kernel::HostsInForce>> in_force = kernel::hosts_in_force();
    if (!in_force) return in_force.error();
    const Result<nlohmann::ordered_json> hosts = show::hosts_json(*in_force);
    if (!hosts) return hosts.error();
    if (context.options.json) {
        nlohmann::ordered_json json = show::status_json(*status);
        json["hosts"] = *hosts;
        context.out.write(json.dump(2) + "\n");
    } else {
        context.out.write(show::status_text(*status, context.out.width()) +
                          show::hosts_table(*hosts, std::time(nullptr), context.out.width()));
    }
    return Ok{};
}

}  // namespace edgefw::cli
