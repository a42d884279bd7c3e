// SPDX-License-Identifier: GPL-2.0-only
// translate: every checksum of what leaves, against one computed in full.
#include <gtest/gtest.h>

#include "tests/kernel/gateway.h"

namespace edgefw::test {
namespace {

// Lengths odd and even, long ones, and payloads that move the checksum through its corners.
TEST(TranslateChecksum, WholeChecksums) {
    TestRun run(kGateway);
    for (const std::size_t size : {0, 1, 2, 3, 17, 63, 64, 511, 512, 513, 1023, 1024, 1025, 1459, 1460}) {
        for (const std::uint8_t first : {0, 1, 0x7f, 0xff}) {
            SCOPED_TRACE("payload of " + std::to_string(size) + " from " + std::to_string(first));
            run.judge(EDGEFW_RECEIVED, to_public(Tcp{.destination_port = 9555}, size, first));
            expect_whole(run, kIn);
            run.judge(EDGEFW_RECEIVED, to_public(Udp{.destination_port = 9555}, size, first));
            expect_whole(run, kIn);
            run.judge(EDGEFW_SENT, from_target(Udp{.source_port = 8080, .destination_port = 40000}, size));
            expect_whole(run, kOut);
        }
    }
}

// Every sum that a two-byte payload can give, UDP's 0 (written as 0xffff) among them.
TEST(TranslateChecksum, EveryChecksum) {
    TestRun run(kGateway);
    for (std::uint32_t value = 0; value < 0x10000; value++) {
        const Payload word{{static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)}};
        run.judge(EDGEFW_RECEIVED,
                  frame(Ethernet{}, Ipv4{.destination = "203.0.113.7"}, Udp{.destination_port = 9555}, word));
        const Wire wire = read_wire(run.left());
        ASSERT_EQ(wire.checksum, wire.whole) << "payload " << value;
        run.judge(EDGEFW_SENT, frame(Ethernet{}, Ipv4{.source = "10.0.0.5", .destination = kClient},
                                     Udp{.source_port = 8080, .destination_port = 40000}, word));
        const Wire back = read_wire(run.left());
        ASSERT_EQ(back.checksum, back.whole) << "payload " << value << ", sent";
    }
}

// A sender that left out UDP's checksum: none is made up.
TEST(TranslateChecksum, UdpWithoutAChecksum) {
    TestRun run(kGateway);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, to_public(Udp{.destination_port = 9555, .checksum = Checksum::kZero}, 20)),
              "pass rule media via map/udp opened");
    EXPECT_EQ(read_wire(run.left()).ends, kIn);
    EXPECT_EQ(read_wire(run.left()).checksum, 0);
    run.judge(EDGEFW_SENT,
              from_target(Udp{.source_port = 8080, .destination_port = 40000, .checksum = Checksum::kZero}, 20));
    EXPECT_EQ(read_wire(run.left()).ends, kOut);
    EXPECT_EQ(read_wire(run.left()).checksum, 0);
}

// An echo reply that is all zero when it has its inside identifier again: its checksum is 0xffff, not 0 (RFC 1071: no
// sum of anything but zeros is 0).
TEST(TranslateChecksum, AnEchoReplyOfZeros) {
    for (const kernel::ReceivedAt at : {kernel::ReceivedAt::kXdp, kernel::ReceivedAt::kTcIngress}) {
        TestRun run(TestRun::Options{.at = at});
        run.push(
            std::string("nat:\n- {name: office, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7}\n"
                        "rules:\n- {name: out, side: external, direction: outbound, action: pass}\n"));
        for (const char* host : {"10.0.0.5", "10.0.0.6"})
            EXPECT_EQ(run.judge("external outbound icmp " + std::string(host) + " > 198.51.100.9 echo-request"),
                      "pass rule out via office opened");
        const std::size_t message = 14 + 20;
        const Bytes sent = run.left();
        const auto id = static_cast<std::uint16_t>(sent[message + 4] << 8 | sent[message + 5]);
        ASSERT_NE(id, 0) << "the first one has it";
        Bytes reply =
            frame(Ethernet{}, Ipv4{.source = "198.51.100.9", .destination = "203.0.113.7"}, Icmp{0, 0, id}, payload(0));
        reply[message + 2] = static_cast<std::uint8_t>(~id >> 8);
        reply[message + 3] = static_cast<std::uint8_t>(~id);
        reply[message + 7] = 0;  // the sequence number
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, reply), "pass connection out via office");
        const Bytes left = run.left();
        EXPECT_EQ(Bytes(left.begin() + message, left.begin() + message + 8), (Bytes{0, 0, 0xff, 0xff, 0, 0, 0, 0}));
    }
}

// What a card with offloads hands up: the field holds the folded pseudo-header sum, and must still after translation.
TEST(TranslateChecksum, PartialChecksums) {
    TestRun run({.partial_checksums = true});
    run.push(std::string(kGateway));
    for (const std::size_t size : {0, 1, 2, 511, 512, 513, 1460}) {
        for (const Layer& transport : {Layer(Tcp{.destination_port = 9555, .checksum = Checksum::kPartial}),
                                       Layer(Udp{.destination_port = 9555, .checksum = Checksum::kPartial})}) {
            run.judge(EDGEFW_RECEIVED, to_public(transport, size));
            const Wire wire = read_wire(run.left());
            EXPECT_EQ(wire.ends, kIn);
            EXPECT_EQ(wire.checksum, wire.partial) << "payload of " << size;
        }
        run.judge(EDGEFW_RECEIVED, to_public(Tcp{.destination_port = 9555}, size));
        expect_whole(run, kIn);
    }
}

// A card that never hands one up: a field that looks partial is a whole checksum, wrong or right.
TEST(TranslateChecksum, WhereNoChecksumIsPartial) {
    TestRun run(kGateway);
    run.judge(EDGEFW_RECEIVED, to_public(Tcp{.destination_port = 9555, .checksum = Checksum::kPartial}, 20));
    const Wire wire = read_wire(run.left());
    EXPECT_EQ(wire.ends, kIn);
    EXPECT_NE(wire.checksum, wire.partial);
}

// One whole checksum in 65,536 equals the folded pseudo-header sum. A full sum tells it from a partial one, whatever
// the payload's length.
TEST(TranslateChecksum, AWholeChecksumThatLooksPartial) {
    TestRun run({.partial_checksums = true});
    run.push(std::string(kGateway));
    for (const std::size_t size : {2, 3, 512 - 20, 512 - 19, 1024, 1025, 1460}) {
        int found = 0;
        for (std::uint32_t value = 0; value < 0x10000 && found == 0; value++) {
            Payload data = payload(size);
            data.bytes[0] = static_cast<std::uint8_t>(value >> 8);
            data.bytes[1] = static_cast<std::uint8_t>(value);
            const Bytes before =
                frame(Ethernet{}, Ipv4{.destination = "203.0.113.7"}, Tcp{.destination_port = 9555}, data);
            const Wire wire = read_wire(before);
            if (wire.whole != wire.partial) continue;
            found++;
            run.judge(EDGEFW_RECEIVED, before);
            expect_whole(run, kIn);
        }
        EXPECT_EQ(found, 1) << "payload of " << size;
    }
}

}  // namespace
}  // namespace edgefw::test
