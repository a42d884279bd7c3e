// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/capture/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/capture/files.h"
#include "userspace/packet/pcapng.h"

namespace edgefw::capture {
namespace {

using testing::HasSubstr;

const Bytes kPacket{1, 2, 3, 4, 5};

// One section with every kind of packet block, one with another interface.
std::string every_block(bool big_endian) {
    Maker maker(big_endian);
    maker.section().interface(kLinkEthernet, 4).interface(kLinkRaw);
    maker.enhanced(1, kPacket, 60, 2).enhanced(0, kPacket, 5, 1).enhanced(0, kPacket, 5, 0);
    maker.simple({1, 2, 3, 4}, 9);
    maker.u32(5).u32(16).u32(7).u32(16);  // another kind of block
    const std::uint32_t whole = 32 + 8 + 8 + 4;
    maker.u32(2).u32(whole).u16(1).u16(0).u32(0).u32(0).u32(5).u32(5).bytes(kPacket).pad();
    return maker.u16(2)
        .u16(4)
        .u32(1)
        .u32(0)
        .u32(whole)
        .section()
        .interface(kLinkCooked)
        .enhanced(0, kPacket, 5, 0)
        .file();
}

TEST(CaptureReader, PcapInBothByteOrdersAndBothKindsOfTimes) {
    for (const bool big : {false, true}) {
        for (const std::uint32_t magic : {0xa1b2c3d4u, 0xa1b23c4du}) {
            Maker maker(big);
            maker.pcap_head(magic, 0x1c000000 | kLinkEthernet).pcap_packet(kPacket, 60).pcap_packet({}, 0);
            const Given given = read_all(maker.file());
            EXPECT_EQ(given.error, "");
            ASSERT_EQ(given.records.size(), 2u);
            EXPECT_EQ(given.records[0].bytes, kPacket);
            EXPECT_EQ(given.records[0].wire_length, 60u);
            EXPECT_EQ(given.records[0].link, kLinkEthernet);
            EXPECT_EQ(given.records[0].way, Way::kUnknown);
            EXPECT_EQ(given.records[0].number, 1u);
            EXPECT_EQ(given.records[1].number, 2u);
            EXPECT_TRUE(given.records[1].bytes.empty());
        }
    }
}

TEST(CaptureReader, PcapngHasInterfacesSectionsAndDirections) {
    struct Row {
        std::uint32_t link;
        Way way;
        std::uint32_t length;
        std::size_t captured;
    };
    const Row rows[] = {{kLinkRaw, Way::kSent, 60, 5},        {kLinkEthernet, Way::kReceived, 5, 5},
                        {kLinkEthernet, Way::kUnknown, 5, 5}, {kLinkEthernet, Way::kUnknown, 9, 4},
                        {kLinkRaw, Way::kReceived, 5, 5},     {kLinkCooked, Way::kUnknown, 5, 5}};
    for (const bool big : {false, true}) {
        const Given given = read_all(every_block(big));
        EXPECT_EQ(given.error, "");
        ASSERT_EQ(given.records.size(), std::size(rows));
        for (std::size_t i = 0; i < std::size(rows); ++i) {
            SCOPED_TRACE(i);
            EXPECT_EQ(given.records[i].link, rows[i].link);
            EXPECT_EQ(given.records[i].way, rows[i].way);
            EXPECT_EQ(given.records[i].wire_length, rows[i].length);
            EXPECT_EQ(given.records[i].bytes.size(), rows[i].captured);
            EXPECT_EQ(given.records[i].number, i + 1);
        }
    }
}

TEST(CaptureReader, SectionsMayDifferInByteOrder) {
    const Given given = read_all(every_block(false) + every_block(true));
    EXPECT_EQ(given.error, "");
    EXPECT_EQ(given.records.size(), 12u);
}

// What `drops --write` writes is read again: the way, the verdict, the link and the bytes.
TEST(CaptureReader, ReadsWhatTheProjectWrites) {
    std::vector<Captured> frames(4);
    for (std::size_t i = 0; i < frames.size(); ++i) {
        frames[i].frame = kPacket;
        frames[i].length = 1500;
        frames[i].has_link = i != 3;
        frames[i].inbound = i % 2 == 0;
        frames[i].at_xdp = i < 2;
        frames[i].passed = i == 0 || i == 3;
        frames[i].comment = "edgefw: drop";
    }
    const Given given = read_all(pcapng_of(frames, "edgefw"));
    EXPECT_EQ(given.error, "");
    ASSERT_EQ(given.records.size(), frames.size());
    for (std::size_t i = 0; i < frames.size(); ++i) {
        SCOPED_TRACE(i);
        EXPECT_EQ(given.records[i].bytes, kPacket);
        EXPECT_EQ(given.records[i].wire_length, 1500u);
        EXPECT_EQ(given.records[i].link, frames[i].has_link ? kLinkEthernet : kLinkRaw);
        EXPECT_EQ(given.records[i].way, frames[i].inbound ? Way::kReceived : Way::kSent);
        EXPECT_EQ(given.records[i].passed, frames[i].passed);
    }
}

TEST(CaptureReader, AVerdictIsReadInTheFilesByteOrder) {
    const struct {
        std::uint8_t kind;
        std::uint32_t high, low;
        std::optional<bool> passed;
    } rows[] = {{kXdpVerdict, 0, 2, true}, {kXdpVerdict, 0, 1, false},   {kXdpVerdict, 0, 0, false},
                {kXdpVerdict, 0, 3, {}},   {kTcVerdict, ~0u, ~0u, true}, {kTcVerdict, 0, 0, true},
                {kTcVerdict, 0, 2, false}, {kTcVerdict, 0, 7, {}},       {0, 0, 2, {}},
                {kXdpVerdict, 1, 2, {}}};
    for (const bool big : {false, true}) {
        for (const auto& row : rows) {
            Maker maker(big);
            maker.section().interface().u32(6).u32(52).u32(0).u32(0).u32(0).u32(0).u32(0);
            maker.u16(kVerdictOption).u16(9).bytes({row.kind});
            maker.u32(big ? row.high : row.low).u32(big ? row.low : row.high).bytes({0, 0, 0}).u32(0).u32(52);
            const Given given = read_all(maker.file());
            EXPECT_EQ(given.error, "");
            ASSERT_EQ(given.records.size(), 1u);
            EXPECT_EQ(given.records[0].passed, row.passed) << int(row.kind) << " " << row.low;
        }
    }
}

TEST(CaptureReader, LessOnTheWireThanCapturedIsNotBelieved) {
    const Given given = read_all(Maker(false).pcap_head().pcap_packet(kPacket, 2).file());
    ASSERT_EQ(given.records.size(), 1u);
    EXPECT_EQ(given.records[0].wire_length, 5u);
}

TEST(CaptureReader, RefusesInOneLineWhatItCannotRead) {
    const struct {
        std::string file, says;
    } rows[] = {
        {"", "x.pcap is no pcap or pcapng file: it has 0 bytes"},
        {"version: 1\n", "x.pcap is no pcap or pcapng file"},
        {"\x1f\x8b\x08\x00", "compressed, use gunzip first"},
        {"\x28\xb5\x2f\xfd", "compressed, use unzstd first"},
        {Maker(false).pcap_head(0xa1b2cd34).file(), "Kuznetzov"},
        {Maker(true).pcap_head(0xa1b2c3d4, 127).file(),
         "link type 127 (IEEE802_11_RADIOTAP), which is not read: capture"},
        {Maker(true).pcap_head(0xa1b2c3d4, 4711).file(), "link type 4711, which is not read"},
        {Maker(false).u32(0xa1b2c3d4).u16(3).u16(0).u32(0).u32(0).u32(0).u32(1).file(), "of version 3"},
        {Maker(false).pcap_head().file().substr(0, 20), "cut off behind packet 0"},
        {Maker(false).u32(0x0a0d0d0a).u32(28).u32(7).u32(0).u32(0).u32(0).u32(28).file(), "without a byte order"},
        {Maker(false).u32(0x0a0d0d0a).u32(28).u32(0x1a2b3c4d).u16(2).u16(0).u32(0).u32(0).u32(28).file(), "version 2"},
        {Maker(false).u32(0x0a0d0d0a).u32(8).u32(0x1a2b3c4d).u16(1).u16(0).u32(0).u32(0).u32(8).file(), "of 8 bytes"},
    };
    for (const auto& row : rows) {
        const Given given = read_all(row.file);
        EXPECT_THAT(given.error, HasSubstr(row.says));
        EXPECT_EQ(given.error.find('\n'), std::string::npos);
        EXPECT_TRUE(given.records.empty());
    }
}

TEST(CaptureReader, GivesWhatIsBeforeTheDamage) {
    const auto pcap = [] {
        Maker maker(false);
        return maker.pcap_head().pcap_packet(kPacket, 5);
    };
    const auto pcapng = [] {
        Maker maker(false);
        return maker.section().interface().enhanced(0, kPacket, 5, 1);
    };
    const struct {
        std::string file, says;
    } rows[] = {
        {pcap().u32(0).u32(0).u32(262'145).u32(9).file(), "a packet of 262145 captured bytes behind packet 1"},
        {pcap().u32(0).u32(0).u32(262'144).u32(9).file(), "cut off behind packet 1"},
        {pcapng().u32(6).u32(13).file(), "a block of 13 bytes"},
        {pcapng().u32(6).u32(8).file(), "a block of 8 bytes"},
        {pcapng().u32(6).u32(0x80000000).file(), "a block of 2147483648 bytes"},
        {pcapng().u32(6).u32(16).u32(0).u32(16).file(), "too short"},
        {pcapng().u32(3).u32(12).u32(12).file(), "too short"},
        {pcapng().u32(1).u32(12).u32(12).file(), "too short"},
        {pcapng().u32(6).u32(32).u32(0).u32(0).u32(0).u32(1).u32(1).u32(32).file(), "a packet of 1 captured bytes"},
        {pcapng().u32(6).u32(32).u32(1).u32(0).u32(0).u32(0).u32(0).u32(32).file(), "an interface that is not there"},
        {pcapng().section().enhanced(0, kPacket, 5, 1).file(), "an interface that is not there"},
        {pcapng().u32(99).u32(16).u32(0).u32(20).file(), "two lengths differ"},
        {pcapng().u32(99).u32(0xfffffffc).u32(0).file(), "cut off"},
    };
    for (const auto& row : rows) {
        const Given given = read_all(row.file);
        EXPECT_THAT(given.error, HasSubstr(row.says));
        EXPECT_THAT(given.error, HasSubstr("behind packet 1"));
        ASSERT_EQ(given.records.size(), 1u) << row.says;
        EXPECT_EQ(given.records[0].bytes, kPacket);
    }
}

TEST(CaptureReader, EachPrefixOfAFileIsReadUpToItsEnd) {
    const std::string file = every_block(false);
    std::size_t before = 0;
    for (std::size_t size = 28; size <= file.size(); ++size) {
        const Given given = read_all(file.substr(0, size));
        EXPECT_GE(given.records.size(), before);
        before = given.records.size();
    }
    EXPECT_EQ(before, 6u);
}

TEST(CaptureReader, NothingThatOneByteChangesGivesMoreThanTheFileHas) {
    std::mt19937 random(7);
    const std::string files[] = {every_block(false), every_block(true),
                                 Maker(false).pcap_head().pcap_packet(kPacket, 5).pcap_packet(kPacket, 70).file()};
    for (int i = 0; i < 20'000; ++i) {
        std::string file = files[random() % std::size(files)];
        for (unsigned changes = 1 + random() % 3; changes > 0; --changes)
            file[random() % file.size()] = static_cast<char>(random());
        std::size_t sum = 0;
        for (const Record& record : read_all(file).records)
            sum += record.bytes.size();
        ASSERT_LT(sum, file.size());
    }
}

}  // namespace
}  // namespace edgefw::capture
