// SPDX-License-Identifier: GPL-2.0-only
// The JSON Schemas have the keys that the program reads, no more and no fewer.
#include <fstream>
#include <set>

#include "tests/unit/language/language.h"
#include "userspace/language/keys.h"

namespace edgefw::policy {
namespace {

nlohmann::json schema(const std::string& name) {
    std::ifstream file(EDGEFW_SOURCE_DIR "/profiles/schema/" + name + ".schema.json");
    return nlohmann::json::parse(file);
}

std::set<std::string> properties(const nlohmann::json& object) {
    EXPECT_EQ(object["additionalProperties"], false);
    std::set<std::string> keys;
    for (const auto& [key, value] : object["properties"].items())
        keys.insert(key);
    return keys;
}

template <std::size_t kCount>
std::set<std::string> set_of(const std::array<std::string_view, kCount>& keys) {
    return {keys.begin(), keys.end()};
}

TEST(Schema, PolicyKeys) {
    const auto policy = schema("policy");
    const auto& sections = policy["properties"];
    EXPECT_EQ(properties(policy), set_of(kPolicyKeys));
    EXPECT_EQ(properties(sections["rules"]["items"]["else"]), set_of(kRuleKeys));
    EXPECT_EQ(properties(sections["rules"]["items"]["then"]), set_of(kUseKeys));
    EXPECT_EQ(properties(sections["nat"]["items"]), set_of(kNatKeys));
    EXPECT_EQ(properties(sections["tests"]["items"]), set_of(kTestKeys));
    EXPECT_EQ(properties(sections["sets"]["additionalProperties"]["anyOf"][2]), set_of(kSetKeys));

    std::set<std::string> builtins;
#define ADD_BUILTIN(identifier, key, id, verdict, sentence) builtins.insert(key);
    EDGEFW_BUILTINS(ADD_BUILTIN)
#undef ADD_BUILTIN
    EXPECT_EQ(properties(sections["builtins"]), builtins);

    EXPECT_EQ(sections["adopt"]["default"], Policy{}.adopt);
    EXPECT_EQ(sections["rollback_grace"]["default"], Policy{}.rollback_grace);

    std::set<std::string> states;
#define ADD_STATE(identifier, name, seconds, why) \
    states.insert(name);                          \
    EXPECT_EQ(sections["timeouts"]["properties"][name]["default"], seconds) << name;
    EDGEFW_CONNECTION_STATES(ADD_STATE)
#undef ADD_STATE
    EXPECT_EQ(properties(sections["timeouts"]), states);
}

TEST(Schema, RoomForConnections) {
    const auto policy = schema("policy");
    const auto& connections = policy["properties"]["connections"];
    EXPECT_EQ(properties(connections), (std::set<std::string>{"confirmed", "datagrams", "half_open"}));
    for (const char* key : {"confirmed", "datagrams", "half_open"}) {
        const auto& forms = connections["properties"][key]["oneOf"];
        EXPECT_EQ(forms[0]["$ref"], "#/definitions/capacity");
        EXPECT_EQ(properties(forms[1]), (std::set<std::string>{"ipv4", "ipv6"}));
    }
    EXPECT_EQ(policy["definitions"]["capacity"]["minimum"], EDGEFW_CONNECTIONS_MIN);
    EXPECT_EQ(policy["definitions"]["capacity"]["maximum"], EDGEFW_CONNECTIONS_MAX);
}

TEST(Schema, ProfileKeys) {
    const auto profile = schema("profile");
    const auto& sections = profile["properties"];
    EXPECT_EQ(properties(profile), set_of(kProfileKeys));
    EXPECT_EQ(properties(sections["document"]), set_of(kDocumentKeys));
    EXPECT_EQ(properties(sections["rules"]["items"]), set_of(kProfileRuleKeys));
    EXPECT_EQ(properties(sections["nat"]["items"]), set_of(kProfileNatKeys));
    EXPECT_EQ(properties(sections["constraints"]["items"]), set_of(kConstraintKeys));
    EXPECT_EQ(properties(profile["definitions"]["variable"]), set_of(kVariableKeys));
    EXPECT_EQ(properties(profile["definitions"]["packet"]), set_of(kPacketKeys));
}

}  // namespace
}  // namespace edgefw::policy
