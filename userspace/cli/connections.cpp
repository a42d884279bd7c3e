// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/connections.h"

#include "userspace/kernel/door.h"
#include "userspace/show/connection_filter.h"
#include "userspace/show/connections.h"

namespace edgefw::cli {
namespace {

// What is ended is adopted again by its next segment.
void warn_of_adoption(Context& context) {
    const auto status = kernel::status(false);
    if (!status) return;
    for (const kernel::CardStatus& card : status->cards) {
        if (card.card.adopts == 0) continue;
        context.log.warn(
            "warning: {} adopts TCP connections for another {} s: what was ended may go on; push the policy with "
            "`adopt: 0` first",
            card.card.interface, card.card.adopts);
    }
}

// Nothing was picked: that may be a slip of the pen.
void warn_of_unknown(const std::vector<std::string>& words, Context& context) {
    const auto cards = kernel::counters({});
    if (!cards) return;
    for (const std::string& line : show::unknown_names(words, *cards))
        context.log.warn("warning: {}", line);
}

// Ends the connections that the words pick. No word would pick every connection of the host: that has to be asked for.
Result<Ok> end(const std::vector<std::string>& words, Context& context) {
    if (words.empty())
        return Error{ErrorKind::kUsage,
                     "'connections kill' needs what picks connections, such as an address or rule=ID; "
                     "0.0.0.0/0 picks all of IPv4"};
    const auto filter = show::ConnectionFilter::parse(words);
    if (!filter) return filter.error();
    const auto ended =
        kernel::end_connections([&](const kernel::Connection& connection) { return filter->picks(connection); });
    if (!ended) return ended.error();
    if (*ended != 0)
        warn_of_adoption(context);
    else
        warn_of_unknown(words, context);
    if (context.options.json)
        context.out.write(nlohmann::ordered_json({{"ended", *ended}}).dump(2) + "\n");
    else
        context.out.write(std::to_string(*ended) + (*ended == 1 ? " connection" : " connections") + " ended\n");
    return Ok{};
}

}  // namespace

Result<Ok> run(const ConnectionsOptions& options, Context& context) {
    std::vector<std::string> words = options.words;
    if (!options.interface.empty()) {
        if (const auto attached = kernel::document_in_force(options.interface); !attached) return attached.error();
        words.push_back("interface=" + options.interface);
    }
    if (!words.empty() && words.front() == "kill") return end({words.begin() + 1, words.end()}, context);
    const auto filter = show::ConnectionFilter::parse(words);
    if (!filter) return filter.error();
    auto all = kernel::connections({});
    if (!all) return all.error();
    std::erase_if(*all, [&](const kernel::Connection& connection) { return !filter->picks(connection); });
    if (all->empty()) warn_of_unknown(words, context);
    if (context.options.json)
        context.out.write(show::connections_json(*all).dump(2) + "\n");
    else
        context.out.write(show::connections_text(std::move(*all), context.out.width()));
    return Ok{};
}

}  // namespace edgefw::cli
