// SPDX-License-Identifier: GPL-2.0-only
// What a policy was made of: kept with its generation, so that what is in force can be compiled again when the files
// are gone or others by then. The hosts that rules name are kept beside them (image/hosts.h): their addresses change.
#pragma once

#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/profile/profile_path.h"

namespace edgefw::document {

struct Sources {
    std::string file;  // of the policy, as it was named
    std::string text;
    std::vector<policy::ProfileText> profiles;  // those it uses, in the order of their first use

    // SHA-256 in hex: without profiles that of the policy's text, as `sha256sum` prints it; else that of a list of the
    // digests, "DIGEST  policy" and a "DIGEST  profile NAME" for each profile, a line each: no text of one can pass for
    // another's. Names of files do not count. Fails as sha256() does.
    Result<std::string> digest() const;
    std::string to_text() const;
};

// What Sources::to_text() wrote. Fails (kFailed) on anything else.
Result<Sources> read_sources(const std::string& text);

}  // namespace edgefw::document
