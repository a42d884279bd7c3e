// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/engine/tally.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "userspace/show/replay.h"

namespace edgefw::engine {
namespace {

using kernel::Judgement;
using policy::Action;
using policy::Direction;
using testing::HasSubstr;
using testing::Not;

const show::ReplayNames kOne{"x.pcap", {{"a.yaml"}}};
const show::ReplayNames kTwo{"x.pcap", {{"in force"}, {"b.yaml"}}};

Judgement passed(const std::string& rule) {
    Judgement judgement;
    judgement.verdict = Action::kPass;
    judgement.reason = EDGEFW_REASON_RULE;
    judgement.rule = rule;
    return judgement;
}

Judgement dropped() {
    Judgement judgement;
    judgement.reason = EDGEFW_REASON_DEFAULT;
    return judgement;
}

Judgement translated(const char* local) {
    Judgement judgement = passed("web");
    judgement.nat = "map";
    judgement.local = *Address::parse(local);
    return judgement;
}

CountedPacket packet(std::uint64_t number) {
    return {number, Direction::kInbound, 60, {}, [number] { return "packet-" + std::to_string(number); }};
}

TEST(Tally, CountsByEndingAndListsWhatDrops) {
    Tally tally(1);
    for (std::uint64_t number = 1; number <= 30; ++number)
        tally.add(packet(number), std::vector{number % 2 == 0 ? passed("web") : dropped()});
    tally.add(packet(31), std::vector{passed("web")});
    for (std::uint64_t number = 32; number < 62; ++number)
        tally.add(packet(number), std::vector{dropped()});
    EXPECT_EQ(tally.judged(), 61u);
    EXPECT_EQ(tally.unexpected(), 45u);
    EXPECT_EQ(tally.listed().size(), Tally::kMostListed);
    const std::string text = show::replay_text(tally, kOne, 200);
    EXPECT_THAT(text, HasSubstr("x.pcap: 61 packets judged\npolicy: a.yaml\n"));
    EXPECT_THAT(text, HasSubstr("inbound    pass     rule     web   -         16    960\n"));
    EXPECT_THAT(text, HasSubstr("inbound    drop     default  -     -         45   2700\n"));
    EXPECT_THAT(text, HasSubstr("\n45 packets drop:\n1: packet-1\n  drop, reason default\n"));
    EXPECT_THAT(text, HasSubstr("and 25 more\n"));
    const auto json = show::replay_json(tally, kOne);
    EXPECT_EQ(json["packets"], 61);
    EXPECT_EQ(json["policies"][0]["counts"].size(), 2u);
    EXPECT_EQ(json["unexpected"]["packets"], 45);
    EXPECT_EQ(json["unexpected"]["first"].size(), 20u);
    EXPECT_EQ(json["unexpected"]["first"][0]["outcomes"][0]["rule"], nullptr);
}

TEST(Tally, OfTwoPoliciesTellsWhatDiffers) {
    Tally tally(2);
    tally.add(packet(1), std::vector{passed("web"), passed("web")});
    tally.add(packet(2), std::vector{passed("web"), passed("www")});  // another rule: a change, no surprise
    tally.add(packet(3), std::vector{dropped(), dropped()});          // drops by both: neither
    tally.add(packet(4), std::vector{passed("web"), dropped()});
    tally.add(packet(5), std::vector{passed("web"), dropped()});
    tally.add(packet(6), std::vector{translated("10.0.0.5"), translated("10.0.0.6")});
    tally.add(packet(7), std::vector{translated("10.0.0.5"), translated("10.0.0.5")});
    EXPECT_EQ(tally.changes().size(), 3u);
    EXPECT_EQ(tally.unexpected(), 3u);
    const std::string text = show::replay_text(tally, kTwo, 200);
    EXPECT_THAT(text, HasSubstr("old: in force\nnew: b.yaml\n"));
    EXPECT_THAT(text, HasSubstr("2 packets, inbound, the first is 4: packet-4\n"
                                "  old: pass, rule web, reason rule\n  new: drop, reason default\n"));
    EXPECT_THAT(text, HasSubstr("new: pass, rule web, reason rule, nat map with another local end\n"));
    EXPECT_THAT(text, HasSubstr("3 packets with another verdict or translation:\n4: packet-4\n"));
    EXPECT_THAT(text, Not(HasSubstr("more")));
    const auto json = show::replay_json(tally, kTwo);
    EXPECT_EQ(json["changes"][0]["packets"], 2);
    EXPECT_EQ(json["changes"][0]["first"], 4);
    EXPECT_EQ(json["changes"][0]["new"]["verdict"], "drop");
}

TEST(Tally, SaysOfNoDifferenceThatThereIsNone) {
    Tally tally(2);
    tally.add(packet(1), std::vector{dropped(), dropped()});
    EXPECT_THAT(show::replay_text(tally, kTwo, 200), HasSubstr("\nno packet ends otherwise\n"));
}

TEST(Tally, CountsApartWhatIsNotJudged) {
    Tally tally(1);
    for (std::uint64_t number = 1; number <= 22; ++number)
        tally.leave_out(number, "too long");
    tally.count_filled_up();
    tally.add(packet(23), std::vector{passed("web")});
    const std::string text = show::replay_text(tally, kOne, 200);
    EXPECT_THAT(text, HasSubstr("x.pcap: 1 packet judged, 1 of them captured in part and filled up with zeros"));
    EXPECT_THAT(text, HasSubstr("22 packets NOT JUDGED: too long: packet 1, 2, 3"));
    EXPECT_THAT(text, HasSubstr("20, and 2 more\n"));
    EXPECT_THAT(text, HasSubstr("\nno packet drops\n"));
    EXPECT_EQ(show::replay_json(tally, kOne)["not_judged"][0]["packets"], 22);
}

CountedPacket with_verdict(std::uint64_t number, Action verdict) {
    CountedPacket counted = packet(number);
    counted.verdict = verdict;
    return counted;
}

// A file of what dropped says so: what is news is what would pass now.
TEST(Tally, WhereTheCaptureSaysAVerdictTheOtherOneIsUnexpected) {
    Tally tally(1);
    tally.add(with_verdict(1, Action::kDrop), std::vector{dropped()});
    tally.add(with_verdict(2, Action::kDrop), std::vector{passed("web")});
    tally.add(with_verdict(3, Action::kPass), std::vector{passed("web")});
    EXPECT_EQ(tally.unexpected(), 1u);
    EXPECT_THAT(show::replay_text(tally, kOne, 200), HasSubstr("\n1 packet ends otherwise than the capture says:\n"
                                                               "2: packet-2\n  capture: drop\n  pass, rule web, "));
    EXPECT_EQ(show::replay_json(tally, kOne)["unexpected"]["first"][0]["capture"], "drop");
    tally.add(packet(4), std::vector{dropped()});
    EXPECT_THAT(show::replay_text(tally, kOne, 200),
                HasSubstr("\n2 packets drop or end otherwise than the capture says:\n"));
}

TEST(Tally, SaysWhoJudged) {
    Tally tally(2);
    tally.add(packet(1), std::vector{dropped(), dropped()});
    const show::ReplayNames names{
        "x.pcap", {{"a.yaml", "CAP_BPF is missing"}, {"b.yaml", "", 3, 7, 9014}}, "x.pcap: it is cut off"};
    const std::string text = show::replay_text(tally, names, 200);
    EXPECT_THAT(text, HasSubstr("NOT ALL was read: x.pcap: it is cut off\n"));
    EXPECT_THAT(text, HasSubstr("old: a.yaml, judged in user space: CAP_BPF is missing\n"));
    EXPECT_THAT(text, HasSubstr("new: b.yaml, 3 packets judged in user space, those from 7 on, whose frame of 9014 "
                                "bytes this kernel does not test-run\n"));
    const auto json = show::replay_json(tally, names);
    EXPECT_EQ(json["problem"], "x.pcap: it is cut off");
    EXPECT_EQ(json["policies"][0]["by"], "user-space");
    EXPECT_EQ(json["policies"][1]["by"], "kernel");
    EXPECT_EQ(json["policies"][1]["refused"]["packets"], 3);
    EXPECT_EQ(json["policies"][1]["refused"]["first"], 7);
    const show::ReplayNames runts{"x.pcap", {{"a.yaml", "", 1, 0, 0}, {"b.yaml"}}};
    EXPECT_THAT(show::replay_text(tally, runts, 200),
                HasSubstr("old: a.yaml, 1 packet judged in user space: too short for this kernel to test-run\n"));
}

}  // namespace
}  // namespace edgefw::engine
