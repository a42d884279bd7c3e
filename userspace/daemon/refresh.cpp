// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/refresh.h"

#include <algorithm>
#include <set>

namespace edgefw::daemon {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Between two looks at what is in force: another process may have pushed.
constexpr milliseconds kLook{1000};

std::string text_of(const std::vector<Address>& addresses) {
    constexpr std::size_t kShown = 8;
    std::string text;
    for (std::size_t i = 0; i < addresses.size() && i < kShown; ++i)
        text.append(text.empty() ? "" : ", ").append(addresses[i].to_text());
    if (addresses.size() > kShown) text += " and " + std::to_string(addresses.size() - kShown) + " more";
    return text;
}

}  // namespace

// An address that no answer has any more goes with the question behind its time.
Refresh::Clock::duration Refresh::pause(const policy::Host& host, std::int64_t unix_now) const {
    if (!host.problem.empty()) return bounds_.shortest;
    auto longest = bounds_.longest;
    for (const auto& [address, seen] : host.earlier)
        longest = std::min(longest, seconds(std::max<std::int64_t>(0, seen + host.keep - unix_now)));
    return std::clamp(seconds(host.ttl), bounds_.shortest, std::max(bounds_.shortest, longest));
}

milliseconds Refresh::look(Clock::time_point now, std::int64_t unix_now, const std::function<void()>& needs_push,
                           spdlog::logger& log) {
    const auto texts = tables_.in_force();
    if (!texts) return kLook;  // nothing attached, or nothing that can be said here
    std::vector<image::Hosts> in_force;
    for (const kernel::HostsInForce& entry : *texts) {
        auto hosts = image::parse_hosts(entry.text);
        in_force.push_back(hosts ? std::move(*hosts) : image::Hosts{});
    }
    ask_for_due(in_force, now, unix_now, log);
    bool push = false;
    for (std::size_t i = 0; i < in_force.size(); ++i)
        push = !bring_in((*texts)[i].generation, std::move(in_force[i]), log) || push;
    if (push) needs_push();
    return kLook;
}

void Refresh::ask_for_due(const std::vector<image::Hosts>& in_force, Clock::time_point now, std::int64_t unix_now,
                          spdlog::logger& log) {
    std::map<std::string, policy::Host> known;
    for (const image::Hosts& hosts : in_force) {
        for (const policy::Host& host : hosts.hosts)
            known.insert_or_assign(host.name, host);
    }
    std::erase_if(states_, [&](const auto& entry) { return !known.contains(entry.first); });
    std::erase_if(latest_, [&](const auto& entry) { return !known.contains(entry.first); });
    std::erase_if(due_, [&](const auto& entry) { return !known.contains(entry.first); });
    policy::Policy question;
    std::vector<policy::Host> before;
    for (auto& [name, host] : known) {
        HostState& state = states_[name];
        state.name = name;
        const auto age = seconds(std::max<std::int64_t>(0, unix_now - host.resolved));
        const auto [due, is_new] = due_.try_emplace(name, now);
        if (is_new && host.problem.empty() && host.resolved != 0) due->second = now + pause(host, unix_now) - age;
        if (due->second > now) continue;
        question.hosts.push_back({name, {}, 0, 0, "", host.keep});
        const auto latest = latest_.find(name);
        const bool is_newer = latest != latest_.end() && latest->second.resolved >= host.resolved;
        before.push_back(is_newer ? latest->second : host);
    }
    if (!question.hosts.empty()) names::resolve(question, {fixed_, before}, ask_, unix_now);
    for (const policy::Host& host : question.hosts) {
        HostState& state = states_[host.name];
        const bool answered = host.problem.empty();
        if (!answered) {
            ++state.failures;
            if (state.answered)
                log.warn("warning: the host {} was not found ({}); {}", host.name, host.problem,
                         host.addresses.empty() ? "rules that name it match nothing" : "it keeps the addresses it had");
        } else if (!state.answered) {
            log.info("the host {} is found again", host.name);
        }
        state.answered = answered;
        due_[host.name] = now + pause(host, unix_now);
        latest_.insert_or_assign(host.name, host);
    }
    for (const auto& [name, host] : known) {
        const policy::Host& shown = latest_.contains(name) ? latest_.at(name) : host;
        states_[name].addresses = shown.addresses.size();
        states_[name].resolved = shown.resolved;
    }
}

// False where only a push can.
bool Refresh::bring_in(std::uint32_t generation, image::Hosts hosts, spdlog::logger& log) {
    bool changed = false;
    for (std::size_t i = 0; i < hosts.hosts.size(); ++i) {
        policy::Host& host = hosts.hosts[i];
        const auto latest = latest_.find(host.name);
        if (latest == latest_.end() || latest->second.resolved < host.resolved) continue;
        policy::Host next = latest->second;
        next.keep = host.keep;
        const bool moved = next.addresses != host.addresses;
        if (!moved && next.resolved == host.resolved && next.problem == host.problem) continue;
        std::vector<kernel::ClassChange> changes;
        if (moved) {
            const auto moves = image::moves(hosts, host, next.addresses, [&](const Address& address) {
                const auto number = tables_.class_of(generation, address);
                return number ? *number : 0u;
            });
            if (!moves) {
                log.warn("warning: the new addresses of {} take a push to come into force", host.name);
                return false;
            }
            for (const image::Move& move : *moves)
                changes.push_back({move.address, move.number});
        }
        host = next;
        const auto done = tables_.move(generation, changes, hosts.to_text());
        if (!done) {
            if (complaint_ != done.error().message) log.error("{}", done.error().message);
            complaint_ = done.error().message;
            return false;
        }
        if (moved) {
            ++states_[host.name].changes;
            log.info("the host {} is now {}", host.name, text_of(host.addresses));
        }
        changed = true;
    }
    if (changed) complaint_.clear();
    return true;
}

}  // namespace edgefw::daemon
