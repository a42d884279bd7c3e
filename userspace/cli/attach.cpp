#include "userspace/cli/attach.h"

#include "userspace/cli/prepare.h"
#include "userspace/observe/status.h"

namespace edgefw::cli {

Result<Ok> run(const AttachOptions& options, Context& context) {
    kernel::AttachRequest request;
    request.interface = options.interface;
    request.side = options.side;
    request.mode = options.mode;
    request.egress = options.egress;
    request.connections = options.connections;
    if (!options.policy.empty()) {
        Result<Prepared> prepared = prepare_and_test(options.policy, context);
        if (!prepared) return prepared.error();
        request.policy = std::move(prepared->compiled);
    }
    const Result<kernel::Card> card = kernel::attach(request);
    if (!card) return card.error();
    if (!card->warning.empty()) context.log.warn("warning: {}", card->warning);
    if (context.options.json) {
        context.out.write(observe::card_json(*card).dump(2) + "\n");
        return Ok{};
    }
    context.out.write("attached to " + observe::card_text(*card) + ", " +
                      (card->generation == 0 ? "no policy: everything passes and is counted"
                                             : "generation " + std::to_string(card->generation)) +
                      "\n");
    return Ok{};
}

}  // namespace edgefw::cli
