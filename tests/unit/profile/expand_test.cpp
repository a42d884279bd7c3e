// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/profile/expand.h"
#include "userspace/engine/load.h"

#include "tests/unit/profile/profile_folder.h"
#include "userspace/base/sha256.h"
#include "userspace/document/document.h"

namespace edgefw::policy {
namespace {

constexpr const char* kShop = R"(name: shop
title: A shop
document: { title: Opening hours, section: Doors }
variables:
  server: { type: addresses, description: the shop's server }
  backup: { type: address, required: false }
  clients: { type: networks, default: any }
  port: { type: port, default: 443 }
  office: { type: network, required: { roles: back } }
options:
  roles: { type: choices, choices: [front, back], default: all }
  late: { type: bool, default: off }
  tier: { type: choice, choices: [one, two], default: one, refused: { three: it follows later } }
rules:
  - { name: web, role: front, table: 3, figure: 7, side: external, direction: inbound, protocol: tcp, local: $server,
      local_port: $port, remote: [$clients, 10.9.9.9], action: pass }
  - { name: stock, role: back, side: internal, protocol: tcp, local: [$server, 10.7.7.7], remote: $office, action: pass }
  - { name: night, when: { late: true }, document: Night rules, side: external, action: drop }
  - { name: spare, when: { backup: given, tier: [one, two] }, side: external, local: $backup, action: pass }
)";

class Expand : public testing::ProfileFolder {
protected:
    void SetUp() override {
        ProfileFolder::SetUp();
        add("shop", kShop);
    }
    // The shop with `with`, in one line.
    std::string shop(const std::string& with) const {
        return rules_of("rules:\n- { use: shop, with: {" + with + "} }\n");
    }
};

TEST_F(Expand, RolesConditionsAndIds) {
    const struct {
        const char* with;
        const char* rules;
    } rows[] = {
        {"server: 10.0.0.1, office: 10.2.0.0/16, clients: 10.3.0.0/16", "shop/front/web shop/back/stock"},
        {"server: 10.0.0.1, clients: 10.3.0.0/16, roles: [front]", "shop/front/web"},
        {"server: 10.0.0.1, clients: 10.3.0.0/16, roles: front", "shop/front/web"},
        {"server: 10.0.0.1, office: 10.2.0.0/16, roles: [back], late: yes", "shop/back/stock shop/night"},
        {"server: 10.0.0.1, office: 10.2.0.0/16, roles: [back], late: off", "shop/back/stock"},
        {"server: 10.0.0.1, office: 10.2.0.0/16, roles: [back], backup: 10.0.0.2", "shop/back/stock shop/spare"},
        {"server: 10.0.0.1, office: 10.2.0.0/16, clients: 10.3.0.0/16, roles: all, tier: two",
         "shop/front/web shop/back/stock"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(shop(row.with), row.rules) << row.with;
}

TEST_F(Expand, Errors) {
    const struct {
        const char* with;
        const char* error;
    } rows[] = {
        {"server: 10.0.0.1", "p:3:3: the profile shop needs `office:` under `with:`"},
        {"roles: front", "p:3:3: the profile shop needs `server:` under `with:` (the shop's server)"},
        {"server: 10.0.0.1, roles: fornt", "p:3:48: 'fornt' is not a value of 'roles'; did you mean 'front'?"},
        {"server: 10.0.0.1, roles: []", "p:3:48: the list is empty; give at least one value"},
        {"sever: 10.0.0.1, roles: front",
         "p:3:3: the profile shop needs `server:` under `with:` (the shop's server)\n"
         "p:3:23: unknown key 'sever' in the variables of shop; did you mean 'server'?"},
        {"server: 10.0.0.0/24, roles: front", "p:3:31: '10.0.0.0/24' is more than one address; write one host"},
        {"server: shop.example.com, roles: front",
         "p:3:31: 'shop.example.com' is a host name, and here only addresses can stand; name it in `local:` or "
         "`remote:`"},
        {"server: 10.0.0.1, roles: front, port: 0", "p:3:61: '0' is not a port; write 1 to 65535"},
        {"server: 10.0.0.1, roles: front, late: soon",
         "p:3:61: 'soon' is not a switch; write true, false, on, off, yes or no"},
        {"server: 10.0.0.1, roles: front, tier: three", "p:3:61: 'tier: three' is refused: it follows later"},
        {"server: 10.0.0.1, roles: front, tier: four", "p:3:61: 'four' is not a value of 'tier'; write one or two"},
        {"server: 10.0.0.1, roles: front, clients: $guests",
         "p:3:64: no set is named 'guests'; define it under `sets:`"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(shop(row.with), row.error) << row.with;
    EXPECT_EQ(rules_of("rules:\n- use: shpo\n"),
              "p:3:8: no profile is named 'shpo'; did you mean 'shop'? (`edgefw profile list` shows all)");
    EXPECT_EQ(rules_of("rules:\n- use: ../shop\n").find("p:3:8: no profile is named '../shop'"), 0u);
    EXPECT_EQ(
        rules_of("rules:\n- { use: shop, as: a b, with: { server: 10.0.0.1, roles: front } }\n"),
        "p:3:20: the id 'a b' holds other characters than letters, digits, '.', '_' and '-' (and '/' between parts)");
    EXPECT_EQ(
        rules_of(
            "rules:\n- { use: shop, action: pass, with: { server: 10.0.0.1, roles: front, clients: 10.3.0.0/16 } }\n"),
        "p:3:16: unknown key 'action' in a `use:` item; write use, as or with");
}

// What other rules come of has another digest: of the file and of each profile, whichever of them changed.
TEST_F(Expand, DigestCoversTheProfiles) {
    const std::string text =
        "version: 1\nrules:\n"
        "- { use: shop, with: { server: 10.0.0.1, roles: front, clients: 10.3.0.0/16 } }\n"
        "- { use: shop, as: other, with: { server: 10.0.0.2, roles: front, clients: 10.3.0.0/16 } }\n";
    const auto digest = [&](const std::string& policy) {
        const auto loaded = engine::load_policy({"p", policy}, path());
        return loaded ? loaded->digest : loaded.error().message;
    };
    const auto of_both = [](const std::string& policy, const std::string& shop) {
        return *sha256(*sha256(policy) + "  policy\n" + *sha256(shop) + "  profile shop\n");
    };
    const std::string before = digest(text);
    EXPECT_EQ(before, of_both(text, kShop));
    std::string changed = kShop;
    changed.replace(changed.find("443"), 3, "444");
    add("shop", changed);
    EXPECT_EQ(digest(text), of_both(text, changed));
    EXPECT_NE(digest(text), before);
    EXPECT_EQ(digest("version: 1\n"), *sha256("version: 1\n"));
}

TEST_F(Expand, TwiceUnderTwoNames) {
    const std::string with = "with: { server: 10.0.0.1, roles: front, clients: 10.3.0.0/16 } }\n";
    EXPECT_EQ(rules_of("rules:\n- { use: shop, " + with + "- { use: shop, as: two, " + with),
              "shop/front/web two/front/web");
    EXPECT_EQ(rules_of("rules:\n- { use: shop, " + with + "- { use: shop, " + with),
              "p:4:3: another `use:` has the prefix 'shop' already; give this one its own `as:`");
}

TEST_F(Expand, BoundValuesAndOrigin) {
    const auto policy = engine::load_policy(
        {"p",
         "version: 1\nsets: { guests: 10.4.0.0/16 }\nrules:\n- use: shop\n  with: { server: [10.0.0.1, 10.0.0.2], "
         "clients: [$guests, 10.3.0.0/16], office: 10.2.0.0/16, late: true, port: 8443 }\n"},
        path());
    ASSERT_TRUE(policy) << policy.error().message;
    const auto rules = document::write(*policy)["rules"];
    EXPECT_EQ(
        rules[0].dump(),
        R"({"id":"shop/front/web","profile":"shop","document":"Opening hours","table":3,"figure":7,"side":"external",)"
        R"("direction":"inbound","protocol":"tcp","local":["10.0.0.1","10.0.0.2"],"local_port":"8443",)"
        R"("remote":["10.3.0.0/16","10.9.9.9","$guests"],"remote_port":"any","state":"keep","action":"pass",)"
        R"("role":"front","section":"Doors","where":"p:4:3"})");
    EXPECT_EQ(rules[1]["local"].dump(), R"(["10.0.0.1","10.0.0.2","10.7.7.7"])");
    EXPECT_EQ(rules[2]["document"], "Night rules");
    EXPECT_EQ(rules[2]["table"], nullptr);
}

// A given variable that no chosen row names is a slip: the user believes it has an effect.
TEST_F(Expand, WarnsOfWhatIsNotUsed) {
    const auto policy = engine::load_policy(
        {"p",
         "version: 1\nrules:\n- { use: shop, with: { server: 10.0.0.1, roles: front, clients: 10.3.0.0/16, office: "
         "10.2.0.0/16 } }\n"},
        path());
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(policy->warnings,
              std::vector<std::string>{
                  "p:3:86: 'office' has no effect with these options; remove it, or choose what needs it"});
}

}  // namespace
}  // namespace edgefw::policy
