// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/show/host_facts.h"

namespace edgefw::show {
namespace {

using kernel::Presence;
using testing::HasSubstr;
using testing::Not;

TEST(DoctorText, OneLineAFactAndTheRemedyBelow) {
    const std::vector<Finding> findings = {
        {"kernel.release", Severity::kOk, "Linux 6.12"},
        {"bpffs.mounted", Severity::kFail, "no bpffs", "mount -t bpf bpf /sys/fs/bpf"},
        {"card.eth0.native", Severity::kNote, "no native XDP"},
    };
    EXPECT_EQ(doctor_text(findings, SIZE_MAX),
              "ok    kernel.release    Linux 6.12\n"
              "FAIL  bpffs.mounted     no bpffs\n"
              "                        do: mount -t bpf bpf /sys/fs/bpf\n"
              "note  card.eth0.native  no native XDP\n");
}

TEST(DoctorText, BreaksWordsNeverCommands) {
    const std::vector<Finding> findings = {{"id", Severity::kWarn,
                                            "eleven words of text that do not fit into the narrow line",
                                            "ethtool -K eth0 rx-gro-hw off lro off rx-vlan-offload off"}};
    EXPECT_EQ(doctor_text(findings, 44),
              "warn  id  eleven words of text that do not\n"
              "          fit into the narrow line\n"
              "          do: ethtool -K eth0 rx-gro-hw off lro off rx-vlan-offload off\n");
    // Too narrow for columns.
    EXPECT_THAT(doctor_text(findings, 20), HasSubstr("that do not fit into the narrow line\n"));
}

TEST(DoctorText, FeaturesThatAreWellShareALine) {
    Facts facts = healthy_host();
    const std::string count = std::to_string(std::size(kernel::kFeatureNotes));
    EXPECT_THAT(doctor_text(diagnose(facts), SIZE_MAX), HasSubstr("all " + count + " that edgefw asks for\n"));
    facts.features.lru_hash = Presence::kAbsent;
    const std::string text = doctor_text(diagnose(facts), SIZE_MAX);
    EXPECT_THAT(text, HasSubstr(std::to_string(std::size(kernel::kFeatureNotes) - 1) + " of " + count));
    EXPECT_THAT(text, HasSubstr("FAIL  kernel.lru-hash "));
    EXPECT_THAT(text, Not(HasSubstr("kernel.lpm-trie")));
    EXPECT_THAT(doctor_text(diagnose(closed_host()), SIZE_MAX),
                HasSubstr("1 of " + count + " that edgefw asks for; run as root to see the other"));
}

TEST(DoctorJson, HoldsFindingsAndCards) {
    Facts facts = closed_host();
    facts.cards[0].programs = {{"XDP", 7, "", Presence::kUnknown}};
    const std::vector<Finding> findings = {
        {"bpffs.mounted", Severity::kFail, "no bpffs", "mount -t bpf bpf /sys/fs/bpf"},
        {"kernel.jit", Severity::kNote, "run as root", "", true},
    };
    const auto json = doctor_json(findings, facts);
    EXPECT_EQ(json["findings"].dump(),
              R"([{"id":"bpffs.mounted","severity":"fail","text":"no bpffs","do":"mount -t bpf bpf /sys/fs/bpf",)"
              R"("read":true},{"id":"kernel.jit","severity":"note","text":"run as root","do":null,"read":false}])");
    EXPECT_EQ(json["cards"].dump(),
              R"([{"interface":"eth0","ifindex":2,"kind":null,"driver":"virtio_net","link_layer":"ethernet","up":true,)"
              R"("mtu":1500,"receive_queues":4,"native":true,"fragments":true,"master":null,"below":null,"lro":false,)"
              R"("rx_gro_hw":false,"rx_vlan_offload":false,"partial_checksums":false,"forwarding":true,"rp_filter":2,)"
              R"("attached":null,"programs":[{"hook":"XDP","id":7,"name":null,"edgefw":null}]}])");
    facts.card = "eth1";
    EXPECT_TRUE(doctor_json({}, facts)["cards"].empty());
}

TEST(DoctorResult, SaysWhetherSomethingStandsInTheWay) {
    EXPECT_TRUE(doctor_result(diagnose(healthy_host())));
    const std::vector<Finding> notes = {{"a", Severity::kNote, ""}, {"b", Severity::kWarn, ""}};
    EXPECT_TRUE(doctor_result(notes));

    const auto unread = doctor_result(diagnose(closed_host()));
    ASSERT_FALSE(unread);
    EXPECT_EQ(unread.error().kind, ErrorKind::kNotPermitted);

    Facts facts = closed_host();  // what is certain comes first
    facts.platform.bpffs = {};
    const auto failing = doctor_result(diagnose(facts));
    ASSERT_FALSE(failing);
    EXPECT_EQ(failing.error().kind, ErrorKind::kFailed);
    EXPECT_THAT(failing.error().message, HasSubstr("1 thing stands in the way"));
}

}  // namespace
}  // namespace edgefw::show
