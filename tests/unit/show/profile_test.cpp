// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/profile.h"

#include <gtest/gtest.h>

namespace edgefw::show {
namespace {

TEST(ProfileText, ShowsVariablesOptionsRulesAndSource) {
    const auto profile = nlohmann::ordered_json::parse(R"({
        "name": "office", "title": "Office gateway",
        "document": {"title": "Planning", "file": "office.txt", "url": ""},
        "variables": [
            {"name": "gateway", "type": "address", "description": "Inside", "default": null, "required": true},
            {"name": "public", "type": "address", "description": "Outside", "default": null,
             "required": {"mapping": "port"}}],
        "options": [{"name": "mapping", "type": "choice", "description": "How", "default": "none", "required": false,
                     "choices": ["none", "port"]}],
        "rules": [
            {"name": "in", "role": "gateway", "table": 1, "side": "external", "direction": "inbound",
             "protocol": "tcp", "local": "$gateway", "local_port": "9555"},
            {"name": "out", "role": "gateway", "table": 1, "side": "external", "direction": "outbound",
             "protocol": "tcp", "remote_port": "9555", "when": {"mapping": "port"}}],
        "nat": [{"name": "map", "type": "port-forward", "protocol": "tcp", "public": "$public", "public_port": "9555", "to": "$gateway",
                 "to_port": "9555", "when": {"mapping": "port"}}],
        "constraints": []})");
    EXPECT_EQ(profile_text(profile, 120),
              "office: Office gateway\n"
              "source: Planning\n"
              "        office.txt\n"
              "\n"
              "variable  type     given                       description\n"
              "gateway   address  required                    Inside\n"
              "public    address  required when mapping port  Outside\n"
              "\n"
              "option   type                given         description\n"
              "mapping  choice: none, port  default none  How\n"
              "\n"
              "rule  side      direction  protocol  local           remote     only\n"
              "\n"
              "gateway, table 1\n"
              "in    external  inbound    tcp       $gateway :9555  any\n"
              "out   external  outbound   tcp       any             any :9555  when mapping port\n"
              "\n"
              "nat  type          protocol  from  public         to              as  only\n"
              "map  port-forward  tcp             $public :9555  $gateway :9555      when mapping port\n");
}

}  // namespace
}  // namespace edgefw::show
