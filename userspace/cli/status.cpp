#include "userspace/cli/status.h"

#include "userspace/kernel/host.h"
#include "userspace/observe/status.h"

namespace edgefw::cli {

Result<Ok> run(const StatusOptions& /*options*/, Context& context) {
    const Result<kernel::Status> status = kernel::status(true);
    if (!status) return status.error();
    context.out.write(context.options.json ? observe::status_json(*status).dump(2) + "\n"
                                           : observe::status_text(*status, context.out.width()));
    return Ok{};
}

}  // namespace edgefw::cli
