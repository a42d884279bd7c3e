// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/warnings.h"

#include "userspace/show/hooks.h"
#include "userspace/show/status.h"

namespace edgefw::cli {

void warn_of(const kernel::Card& card, Context& context) {
    for (const std::string& line : show::card_warnings(card))
        context.log.warn("warning: {}", line);
    for (const std::string& line : show::forerunner_lines(card))
        context.log.warn("warning: {}", line);
}

void warn_of(const std::vector<kernel::HookedCard>& cards, Context& context) {
    for (const std::string& line : show::loss_lines(cards))
        context.log.warn("warning: {}", line);
}

}  // namespace edgefw::cli
