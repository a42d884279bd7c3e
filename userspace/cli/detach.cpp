// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/detach.h"

#include <nlohmann/json.hpp>

#include "userspace/kernel/door.h"

namespace edgefw::cli {

Result<Ok> run(const DetachOptions& options, Context& context) {
    if (auto done = kernel::detach(options.interface); !done) return done.error();
    if (context.options.json) {
        context.out.write(nlohmann::ordered_json{{"interface", options.interface}}.dump(2) + "\n");
    } else {
        context.out.write("detached from " + options.interface + "\n");
    }
    return Ok{};
}

}  // namespace edgefw::cli
