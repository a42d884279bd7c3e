// SPDX-License-Identifier: GPL-2.0-only
// The everyday subset of YAML in one pass. yaml-cpp matches regular expressions at every character: 10,000 rules take
// it 0.35 s, a third of what a push may take. Here they take some milliseconds.
//
// In the subset: block maps and lists, flow maps and lists on one line, plain scalars of harmless characters, quoted
// scalars without escapes, comments. At the first sign of anything else (also of an error) this reader steps back and
// yaml-cpp reads the text from the start: it alone knows all of YAML and words the errors. A test reads everything both
// ways and demands equal trees, places included.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "userspace/language/syntax.h"

namespace edgefw::policy {

// The tree; nothing: `text` is not, or not surely, in the subset. Nodes point to `file`.
//
// `deferred` is a key of the root map, "" none: maps that are items of the block list under it come as
// Node::Kind::kDeferred. Those that have the key `use` do not, since who walks the list needs to see into them.
std::optional<Node> read_plain(std::string_view text, const std::string* file, std::string_view deferred = "");

// The map that a deferred node stands for.
Node read_deferred(const Node& node);

}  // namespace edgefw::policy
