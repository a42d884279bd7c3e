// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/boot/attempt.h"

namespace edgefw::boot {
namespace {

// How a card stands that nothing judges.
Outcome closed_or_worse(const Config& config, const Machine& machine) {
    if (config.on_failure == OnFailure::kOpen) {
        // An earlier attempt may have found another word in boot.conf.
        for (const auto& step : {machine.open_closed, machine.let_up}) {
            if (const Result<Ok> done = step(); !done)
                return {.standing = Standing::kClosed, .why_worse = done.error().message};
        }
        return {};
    }
    const Result<Ok> closed = machine.close(config.closed);
    if (closed) return {.standing = Standing::kClosed};
    const Result<Ok> down = machine.hold_down();
    if (down) return {.standing = Standing::kDown, .why_worse = closed.error().message};
    return {.standing = Standing::kOpen, .why_worse = closed.error().message + "; " + down.error().message};
}

Outcome armed(Outcome outcome, const Machine& machine, std::string attached) {
    outcome.standing = Standing::kArmed;
    outcome.attached = std::move(attached);
    outcome.why_worse.clear();
    // It judges already; what closed it, or held it down, is not needed any more.
    for (const auto& step : {machine.open_closed, machine.let_up}) {
        if (Result<Ok> done = step(); !done && !outcome.error) outcome.error = done.error();
    }
    return outcome;
}

std::string networks_text(const std::vector<Prefix>& networks) {
    if (networks.empty()) return "nobody";
    constexpr std::size_t kShown = 3;
    std::string text;
    for (std::size_t i = 0; i < networks.size() && i < kShown; i++)
        text += (i == 0 ? "" : ", ") + networks[i].to_text();
    if (networks.size() > kShown) text += " and " + std::to_string(networks.size() - kShown) + " more";
    return text;
}

}  // namespace

Outcome attempt(const Loaded& loaded, const Machine& machine) {
    const Config& config = loaded.config;
    const Result<bool> before = machine.is_attached();
    if (before && *before) return armed({.error = loaded.error}, machine, "");
    Outcome outcome = closed_or_worse(config, machine);
    // A card is not attached by what may be half of what was meant.
    const Result<std::string> attached = loaded.error ? Result<std::string>(*loaded.error) : machine.attach(config);
    if (attached) return armed(std::move(outcome), machine, *attached);
    // Somebody else may have attached it meanwhile, and it was closed behind their back.
    if (const Result<bool> now = machine.is_attached(); now && *now) return armed(std::move(outcome), machine, "");
    // Closed after all: the card need not be down.
    if (outcome.standing == Standing::kClosed) (void)machine.let_up();
    outcome.error = attached.error();
    return outcome;
}

std::string describe(const std::string& interface, const Outcome& outcome, const Config& config) {
    switch (outcome.standing) {
        case Standing::kArmed:
            return outcome.attached.empty() ? interface + " is attached already" : "attached to " + outcome.attached;
        case Standing::kClosed:
            return interface + " is CLOSED until then: ARP, neighbour discovery and its own DHCP pass, and SSH of " +
                   networks_text(config.closed.ssh_from) +
                   (outcome.why_worse.empty() ? "" : "; it cannot be opened (" + outcome.why_worse + ")");
        case Standing::kDown:
            return interface + " is kept DOWN until then: it cannot be closed (" + outcome.why_worse + ")";
        default:
            return interface + " is OPEN until then: everything passes" +
                   (outcome.why_worse.empty() ? ""
                                              : "; it can neither be closed nor set down (" + outcome.why_worse + ")");
    }
}

}  // namespace edgefw::boot
