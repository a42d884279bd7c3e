// SPDX-License-Identifier: GPL-2.0-only
// What a policy was made of: kept with its generation, so that what is in force can be compiled again when the files
// are gone or others by then. The hosts that rules name are kept beside them (image/hosts.h): their addresses change.
#pragma once

#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/language/set_files.h"
#include "userspace/profile/profile_path.h"

namespace edgefw::document {

struct Sources {
    std::string file;  // of the policy, as it was named
    std::string text;
    std::vector<policy::ProfileText> profiles;    // those it uses, in the order of their first use
    std::vector<policy::SetFile> set_files = {};  // those that its sets name, likewise

    // SHA-256 in hex: of a policy alone that of its text, as `sha256sum` prints it; with profiles or files of sets that
    // of a list of the digests, "DIGEST  policy", a "DIGEST  profile NAME" for each profile and a "DIGEST  file NAME"
    // for each file, a line each: no text of one can pass for another's. NAME is that in the policy's text; where files
    // lie does not count. Fails as sha256() does.
    Result<std::string> digest() const;
    std::string to_text() const;
};

// What Sources::to_text() wrote. Fails (kFailed) on anything else.
Result<Sources> read_sources(const std::string& text);

}  // namespace edgefw::document
