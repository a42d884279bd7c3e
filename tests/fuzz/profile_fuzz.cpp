// SPDX-License-Identifier: GPL-2.0-only
// Any text: a profile that can be used in every way its options allow, or errors with their places. Its rows are read
// when it is used, so a sound one is put into a folder and a few of its sample policies are loaded.
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "tests/fuzz/require.h"
#include "userspace/engine/load.h"
#include "userspace/image/compile.h"
#include "userspace/image/image.h"
#include "userspace/names/resolve.h"
#include "userspace/packet/notation.h"
#include "userspace/profile/profile.h"
#include "userspace/profile/profile_path.h"
#include "userspace/profile/sample.h"

using namespace edgefw;

namespace {

constexpr std::size_t kSamples = 4;

// What the profile must be called, or nothing else is looked at: the file's name is the profile's.
std::string name_in(const std::string& text) {
    constexpr std::string_view kKey = "name: ";
    const std::size_t at = text.starts_with(kKey) ? 0 : text.find("\nname: ") + 1;
    if (at == 0 && !text.starts_with(kKey)) return "p";
    const std::size_t start = at + kKey.size();
    return text.substr(start, text.find('\n', start) - start);
}

// A folder for one profile, removed at the end.
class Folder {
public:
    Folder() { fuzz::require(mkdtemp(path_) != nullptr, "there is room in /tmp", path_); }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    policy::ProfilePath path() const { return {{path_}}; }
    std::string file_of(const std::string& name) const { return std::string(path_) + "/" + name + ".yaml"; }

private:
    char path_[40] = "/tmp/edgefw-fuzz-XXXXXX";
};

void use(const std::string& sample, const policy::ProfilePath& path) {
    auto loaded = engine::load({"sample", sample}, path);
    if (!loaded) return fuzz::require_places(loaded.error());
    policy::Policy& policy = loaded->policy;
    policy::give_sample_addresses(policy.hosts);
    if (const auto image = image::compile(policy); !image) fuzz::require_refusal(image.error(), ErrorKind::kPolicy);
    for (const policy::PolicyTest& test : loaded->profile_packets) {
        const auto packet = packet::parse(names::with_addresses(test.packet, policy.hosts));
        if (!packet) fuzz::require_refusal(packet.error(), ErrorKind::kUsage);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Folder folder;
    const std::string text(reinterpret_cast<const char*>(data), size);
    policy::Diagnostics diagnostics;
    const std::string file = folder.file_of(name_in(text));
    const auto profile = policy::parse_profile(text, file, diagnostics);
    if (profile == nullptr) {
        fuzz::require_places(diagnostics.to_error(file));
        return 0;
    }
    if (!(std::ofstream(file) << text)) return 0;  // a name that no file can have
    const auto samples = policy::sample_policies(*profile);
    for (std::size_t i = 0; i < samples.size() && i < kSamples; ++i)
        use(samples[i], folder.path());
    std::filesystem::remove(file);
    return 0;
}
