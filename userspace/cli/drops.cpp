// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/drops.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

#include "userspace/base/fd.h"
#include "userspace/base/wall_clock.h"
#include "userspace/cli/dropped.h"
#include "userspace/kernel/door.h"
#include "userspace/policy/reasons.h"
#include "userspace/show/drops.h"

namespace edgefw::cli {
namespace {

using show::DropRow;

constexpr std::size_t kTop = 20;
constexpr std::uint32_t kFreshConnections = 1024;

Result<std::uint64_t> milliseconds_of(const std::string& text) {
    constexpr std::uint64_t kMost = 366ull * 24 * 3600;
    std::uint64_t number = 0, unit = 1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view letter(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (letter == "m") unit = 60;
    if (letter == "h") unit = 3600;
    const bool known = letter.empty() || letter == "s" || unit != 1;
    if (error == std::errc() && known && number <= kMost / unit) return number * unit * 1000;
    return Error{ErrorKind::kUsage, "--last " + text + " is not a time; write seconds, or as in 90s, 10m, 2h"};
}

// What is in force on a card: where its rules stand, and what it would do with a packet now. Both are asked once a card
// and only when something dropped there.
class InForce {
public:
    explicit InForce(std::string interface) : interface_(std::move(interface)) {}

    std::string place_of(const std::string& rule) {
        if (!places_) {
            const auto document = kernel::document_in_force(interface_);
            places_ = document ? show::places_of(*document) : std::map<std::string, std::string>{};
        }
        const auto found = places_->find(rule);
        return found == places_->end() ? std::string() : found->second;
    }

    // Nothing where it cannot be asked: the policy is gone.
    show::WouldPass judge(const DropRow& row) {
        if (!judge_) {
            auto made = kernel::Judge::in_force(interface_, kFreshConnections);
            if (!made) return {};
            judge_.emplace(std::move(*made));
        }
        return judge_again(*judge_, row);
    }

private:
    std::string interface_;
    std::optional<std::map<std::string, std::string>> places_;
    std::optional<kernel::Judge> judge_;
};

class Drops {
public:
    Drops(const DropsOptions& options, show::DropFilter filter, std::uint64_t last, Context& context)
        : options_(options), filter_(std::move(filter)), last_(last), context_(context) {}

    Result<Ok> show() {
        auto cards = look();
        if (!cards) return cards.error();
        const auto has_shadow = [](const kernel::CardDrops& card) { return card.shadow != 0; };
        if (options_.shadow && std::none_of(cards->begin(), cards->end(), has_shadow))
            return failed("there is no shadow; `edgefw push --shadow FILE` begins one");
        std::vector<DropRow> rows = rows_of(*cards, wall_milliseconds() - std::min(last_, wall_milliseconds()));
        const bool by_flow = !options_.each && options_.file.empty();
        if (by_flow) rows = show::grouped(std::move(rows));
        if (options_.top) {
            std::stable_sort(rows.begin(), rows.end(),
                             [](const DropRow& a, const DropRow& b) { return a.count > b.count; });
            if (rows.size() > kTop) rows.resize(kTop);
        }
        for (DropRow& row : rows)
            complete(row);
        if (options_.shadow) cards->clear();  // these are no drops, and no reason's counter counts them
        if (!options_.file.empty()) return write(rows);
        if (context_.options.json && !options_.follow)
            context_.out.write(show::drops_json(rows, *cards).dump(2) + "\n");
        else if (!options_.follow)
            context_.out.write(show::drops_text(rows, *cards, context_.out.width()));
        return options_.follow ? follow(std::move(rows)) : Result<Ok>(Ok{});
    }

private:
    Result<std::vector<kernel::CardDrops>> look() const {
        std::optional<std::string> interface;
        if (!options_.interface.empty()) interface = options_.interface;
        return kernel::drops(interface);
    }

    std::vector<DropRow> rows_of(std::vector<kernel::CardDrops>& cards, std::uint64_t since) {
        std::vector<DropRow> rows;
        for (kernel::CardDrops& card : cards) {
            for (kernel::Drop& drop : card.drops) {
                // Of a shadow that has ended nothing is told: what it said was of another policy.
                if (drop.time < since || drop.is_shadow != options_.shadow) continue;
                if (drop.is_shadow && drop.generation != card.shadow) continue;
                seen_.insert({drop.interface, drop.key});
                DropRow row = show::row_of(std::move(drop));
                if (filter_.picks(row)) rows.push_back(std::move(row));
            }
        }
        std::stable_sort(rows.begin(), rows.end(),
                         [](const DropRow& a, const DropRow& b) { return a.newest.time > b.newest.time; });
        return rows;
    }

    // Asks what is in force, once for each flow and reason.
    void complete(DropRow& row) {
        if (row.newest.is_shadow) return;  // what is in force has decided it
        const std::string& card = row.newest.interface;
        InForce& in_force = in_force_.try_emplace(card, card).first->second;
        if (!row.newest.rule.empty()) row.where = in_force.place_of(row.newest.rule);
        if (row.newest.verdict == policy::Action::kPass) return;
        std::string flow = card;
        for (const std::string& part :
             {row.direction(), std::to_string(row.newest.reason), std::to_string(row.headers.vlan.value_or(0)),
              std::to_string(row.headers.ethertype), std::to_string(row.headers.protocol.value_or(0)),
              row.headers.source ? row.headers.source->to_text() : "",
              row.headers.destination ? row.headers.destination->to_text() : "",
              std::to_string(row.headers.source_port.value_or(0)),
              std::to_string(row.headers.destination_port.value_or(0))})
            flow += " " + part;
        const auto [answer, is_new] = answers_.try_emplace(flow);
        if (is_new) answer->second = in_force.judge(row);
        row.now = answer->second;
    }

    // Dropped packets are other people's: the file is its owner's alone.
    Result<Ok> write(const std::vector<DropRow>& rows) {
        const std::string bytes = show::drops_pcapng(rows, "edgefw " EDGEFW_VERSION);
        const Fd file = Fd::own(open(options_.file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        if (!file.valid()) return failed("cannot write " + options_.file + ": " + std::strerror(errno));
        for (std::size_t at = 0; at < bytes.size();) {
            const ssize_t done = ::write(file.get(), bytes.data() + at, bytes.size() - at);
            if (done < 0) return failed("cannot write " + options_.file + ": " + std::strerror(errno));
            at += static_cast<std::size_t>(done);
        }
        context_.out.write(std::to_string(rows.size()) + (rows.size() == 1 ? " packet" : " packets") + " written to " +
                           options_.file + "\n");
        return Ok{};
    }

    void print(std::vector<DropRow> rows) {
        std::reverse(rows.begin(), rows.end());  // the newest is the last line
        for (DropRow& row : rows) {
            complete(row);
            context_.out.write(context_.options.json ? show::drop_json(row).dump() + "\n" : show::drop_line(row));
        }
    }

    // Until its reader has gone, or a signal ends it.
    Result<Ok> follow(std::vector<DropRow> rows) {
        constexpr auto kPause = std::chrono::milliseconds(300);
        constexpr std::uint64_t kOverlap = 5000;
        print(std::move(rows));
        std::uint32_t generation = 0;
        while (context_.out.flush()) {
            std::this_thread::sleep_for(kPause);
            auto cards = look();
            if (!cards) return cards.error();
            std::uint32_t now = 0;
            for (const kernel::CardDrops& card : *cards)
                now = std::max(now, card.generation);
            if (now != generation) {
                in_force_.clear();
                answers_.clear();
            }
            generation = now;
            const auto before = std::exchange(seen_, {});
            std::vector<DropRow> fresh = rows_of(*cards, wall_milliseconds() - kOverlap);
            std::erase_if(fresh, [&](const DropRow& row) {
                return before.contains({row.newest.interface, row.newest.key});
            });
            print(std::move(fresh));
        }
        return Ok{};
    }

    const DropsOptions& options_;
    show::DropFilter filter_;
    std::uint64_t last_;  // milliseconds
    Context& context_;
    std::map<std::string, InForce> in_force_;
    std::unordered_map<std::string, show::WouldPass> answers_;
    std::set<std::pair<std::string, std::uint64_t>> seen_;  // of the last look
};

}  // namespace

Result<Ok> run(const DropsOptions& options, Context& context) {
    auto filter = show::DropFilter::parse(options.words);
    if (!filter) return filter.error();
    const auto last = milliseconds_of(options.last);
    if (!last) return last.error();
    return Drops(options, std::move(*filter), *last, context).show();
}

}  // namespace edgefw::cli
