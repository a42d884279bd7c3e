// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/refresh.h"
#include "userspace/kernel/door.h"

#include <ctime>

namespace edgefw::cli {

daemon::Refresh refresh_of(const std::shared_ptr<names::Resolver>& resolver, names::Fixed fixed,
                           daemon::Refresh::Bounds bounds) {
    const daemon::Refresh::Tables tables{kernel::hosts_in_force, kernel::class_of, kernel::move_hosts};
    const auto ask = [resolver](const std::vector<std::string>& names) { return resolver->ask(names); };
    return {tables, ask, std::move(fixed), bounds};
}

Result<bool> ask_behind(Context& context) {
    Result<names::Fixed> fixed = names::parse_fixed(context.options.resolve);
    if (!fixed) return fixed.error();
    Result<names::Resolver> resolver = names::Resolver::create(context.options.resolver);
    if (!resolver) return resolver.error();
    // Asked once: no question follows too soon.
    const daemon::Refresh::Bounds bounds{.shortest = std::chrono::seconds(0)};
    daemon::Refresh refresh =
        refresh_of(std::make_shared<names::Resolver>(std::move(*resolver)), std::move(*fixed), bounds);
    bool needs_push = false;
    refresh.look(
        daemon::Refresh::Clock::now(), std::time(nullptr), [&] { needs_push = true; }, context.log);
    return needs_push;
}

}  // namespace edgefw::cli
