// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/counters.h"

#include <unistd.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "userspace/kernel/door.h"
#include "userspace/show/counters.h"
#include "userspace/show/shadow.h"

namespace edgefw::cli {
namespace {

constexpr const char* kClearScreen = "\x1b[H\x1b[2J";

// One JSON document; on one line when more are to follow.
std::string render(const std::vector<kernel::CardCounters>& cards, const CountersOptions& options,
                   const Context& context) {
    if (!context.options.json) return show::counters_text(cards, context.out.width());
    return show::counters_json(cards).dump(options.watch ? -1 : 2) + "\n";
}

Result<std::string> look(const std::optional<std::string>& interface, kernel::KnownListings& known,
                         const CountersOptions& options, const Context& context) {
    if (options.shadow) {
        const auto shadows = kernel::shadows(interface);
        if (!shadows) return shadows.error();
        if (shadows->empty()) return failed("there is no shadow; `edgefw push --shadow FILE` begins one");
        if (!context.options.json) return show::shadows_text(*shadows, context.out.width());
        return show::shadows_json(*shadows).dump(options.watch ? -1 : 2) + "\n";
    }
    const Result<std::vector<kernel::CardCounters>> cards = kernel::counters(interface, known);
    if (!cards) return cards.error();
    if (cards->empty()) return failed("nothing is attached: run 'edgefw attach IFACE'");
    return render(*cards, options, context);
}

// Past Output, which writes control characters out.
void clear_screen(Context& context) {
    if (context.out.flush() && write(STDOUT_FILENO, kClearScreen, std::strlen(kClearScreen)) < 0) return;
}

}  // namespace

Result<Ok> run(const CountersOptions& options, Context& context) {
    std::optional<std::string> interface;
    if (!options.interface.empty()) interface = options.interface;
    const bool clear = options.watch && !context.options.json && context.out.is_terminal();
    kernel::KnownListings known;
    while (true) {
        const Result<std::string> text = look(interface, known, options, context);
        if (!text) return text.error();
        if (clear) clear_screen(context);
        context.out.write(*text);
        if (!options.watch || !context.out.flush()) return Ok{};
        std::this_thread::sleep_for(std::chrono::seconds(1));
    }
}

}  // namespace edgefw::cli
