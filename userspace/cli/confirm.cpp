// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/confirm.h"

#include <nlohmann/json.hpp>

#include "userspace/kernel/door.h"

namespace edgefw::cli {

Result<Ok> run(const ConfirmOptions&, Context& context) {
    const Result<std::uint32_t> generation = kernel::confirm();
    if (!generation) return generation.error();
    if (context.options.json)
        context.out.write(nlohmann::ordered_json{{"generation", *generation}, {"confirmed", true}}.dump(2) + "\n");
    else
        context.out.write("generation " + std::to_string(*generation) + " is confirmed\n");
    return Ok{};
}

}  // namespace edgefw::cli
