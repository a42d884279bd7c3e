// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/warnings.h"

#include "userspace/observe/hooks.h"
#include "userspace/observe/status.h"

namespace edgefw::cli {

void warn_of(const kernel::Card& card, Context& context) {
    for (const std::string& line : observe::card_warnings(card))
        context.log.warn("warning: {}", line);
    for (const std::string& line : observe::forerunner_lines(card))
        context.log.warn("warning: {}", line);
}

void warn_of(const std::vector<kernel::HookedCard>& cards, Context& context) {
    for (const std::string& line : observe::loss_lines(cards))
        context.log.warn("warning: {}", line);
}

}  // namespace edgefw::cli
