// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/document/sources.h"

#include <nlohmann/json.hpp>

#include "userspace/base/sha256.h"

namespace edgefw::document {
namespace {

using nlohmann::ordered_json;

}  // namespace

Result<std::string> Sources::digest() const {
    auto own = sha256(text);
    if (!own || (profiles.empty() && set_files.empty())) return own;
    std::string list = *own + "  policy\n";
    for (const policy::ProfileText& profile : profiles) {
        const auto digest = sha256(profile.text);
        if (!digest) return digest;
        list += *digest + "  profile " + profile.name + "\n";
    }
    for (const policy::SetFile& set_file : set_files) {
        const auto digest = sha256(set_file.text);
        if (!digest) return digest;
        list += *digest + "  file " + set_file.name + "\n";
    }
    return sha256(list);
}

std::string Sources::to_text() const {
    ordered_json json{{"file", file}, {"text", text}, {"profiles", ordered_json::array()}};
    for (const policy::ProfileText& profile : profiles)
        json["profiles"].push_back({{"name", profile.name}, {"file", profile.file}, {"text", profile.text}});
    json["set_files"] = ordered_json::array();
    for (const policy::SetFile& set_file : set_files)
        json["set_files"].push_back({{"name", set_file.name}, {"file", set_file.file}, {"text", set_file.text}});
    // A folder of --profiles may be named in any bytes.
    std::string text = json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
    text.shrink_to_fit();  // it is kept with the compiled policy
    return text;
}

Result<Sources> read_sources(const std::string& text) {
    try {
        const ordered_json json = ordered_json::parse(text);
        Sources sources{json.at("file").get<std::string>(), json.at("text").get<std::string>(), {}};
        for (const ordered_json& profile : json.at("profiles")) {
            sources.profiles.push_back({profile.at("name").get<std::string>(), profile.at("file").get<std::string>(),
                                        profile.at("text").get<std::string>()});
        }
        for (const ordered_json& set_file : json.at("set_files")) {
            sources.set_files.push_back({set_file.at("name").get<std::string>(), set_file.at("file").get<std::string>(),
                                         set_file.at("text").get<std::string>()});
        }
        return sources;
    } catch (const ordered_json::exception&) {
        return failed("what the policy in force was made of is not readable: push the policy again");
    }
}

}  // namespace edgefw::document
