// SPDX-License-Identifier: GPL-2.0-only
// Any text: a policy that compiles or says which limit it exceeds, or errors with their places.
#include "tests/fuzz/require.h"
#include "userspace/engine/load.h"
#include "userspace/image/compile.h"
#include "userspace/image/image.h"
#include "userspace/profile/profile_path.h"

using namespace edgefw;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const policy::ProfilePath profiles{{EDGEFW_SOURCE_DIR "/profiles"}};
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto policy = engine::load_policy({"p", text, std::vector<policy::SetFile>()}, profiles);
    if (!policy) {
        fuzz::require_places(policy.error());
        return 0;
    }
    fuzz::require(policy->digest.size() == 64, "a policy has its digest", policy->digest);
    const auto image = image::compile(*policy);
    if (!image) fuzz::require_refusal(image.error(), ErrorKind::kPolicy);
    return 0;
}
