// The document of a policy (policy::show) as the observing commands read it: which id lies in which counter slot.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/base/result.h"

namespace edgefw::observe {

struct DocumentRule {
    std::string id;
    std::string profile;  // empty: the policy's own
    std::string side;
    std::string direction;
    std::string action;
    std::uint32_t slot = 0;
};

struct DocumentNat {
    std::string id;
    std::uint32_t slot = 0;
};

struct Document {
    std::vector<DocumentRule> rules;  // in the order of the policy
    std::vector<DocumentNat> nat;
};

// `text` empty: no policy is in force, and the document has no rules.
Result<Document> read_document(const std::string& text);

}  // namespace edgefw::observe
