// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/attach.h"

#include "userspace/cli/build.h"
#include "userspace/cli/record.h"
#include "userspace/cli/sessions.h"
#include "userspace/cli/warnings.h"
#include "userspace/kernel/door.h"
#include "userspace/show/status.h"

namespace edgefw::cli {
namespace {

Result<Ok> put_first(const std::string& interface, Context& context) {
    const Result<Ok> first = kernel::put_first(interface);
    if (!first) return first;
    context.out.write("edgefw comes first on " + interface + "\n");
    return Ok{};
}

Result<Ok> put_back(const std::string& interface, Context& context) {
    const Result<Ok> back = kernel::put_back(interface);
    if (!back) return back;
    context.out.write(interface + " filters what it receives and what it sends\n");
    return Ok{};
}

Result<kernel::Card> attach_under(const AttachOptions& options, const kernel::AttachRequest& request,
                                  Context& context) {
    Result<engine::Built> built = build_and_test({options.policy}, context);
    if (!built) return built.error();
    if (!options.force) {
        auto spared = spares_sessions_of_newcomer(built->compiled, options.interface, options.side);
        if (!spared) return spared.error();
    }
    Recorder recorder(context);
    return attach(request, std::move(*built), recorder);
}

}  // namespace

Result<Ok> run(const AttachOptions& options, Context& context) {
    if (options.first) return put_first(options.interface, context);
    if (options.again) return put_back(options.interface, context);
    kernel::AttachRequest request;
    request.interface = options.interface;
    request.side = options.side;
    request.mode = options.mode;
    request.egress = options.egress;
    request.connections = options.connections;
    const Result<kernel::Card> card =
        options.policy.empty() ? kernel::attach(request) : attach_under(options, request, context);
    if (!card) return card.error();
    warn_of(*card, context);
    if (context.options.json) {
        context.out.write(show::card_json(*card).dump(2) + "\n");
        return Ok{};
    }
    context.out.write("attached to " + show::card_text(*card) + ", " +
                      (card->generation == 0 ? "no policy: everything passes and is counted"
                                             : "generation " + std::to_string(card->generation)) +
                      "\n");
    return Ok{};
}

}  // namespace edgefw::cli
