// SPDX-License-Identifier: GPL-2.0-only
#include "tests/support/random_story.h"

#include <netinet/in.h>

#include <iterator>

#include "tests/support/frame.h"

namespace edgefw::test {

using packet::Packet;
using policy::Policy;

namespace {

constexpr std::uint8_t kFlags[] = {kSyn, kAck, kSyn | kAck, kFin | kAck, kRst, kRst | kAck, kPsh | kAck};

void turn_echo(Packet& packet) {
    const std::uint8_t request = packet.protocol == IPPROTO_ICMP ? 8 : 128;
    const std::uint8_t reply = packet.protocol == IPPROTO_ICMP ? 0 : 129;
    if (packet.icmp_type == request)
        packet.icmp_type = reply;
    else if (packet.icmp_type == reply)
        packet.icmp_type = request;
}

Packet reply_to(Packet packet) {
    std::swap(packet.source, packet.destination);
    std::swap(packet.source_port, packet.destination_port);
    packet.direction =
        packet.direction == policy::Direction::kInbound ? policy::Direction::kOutbound : policy::Direction::kInbound;
    turn_echo(packet);
    return packet;
}

void set_hook(Packet& packet, edgefw_hook hook) {
    packet.direction = policy::Direction::kInbound;
    if (packet.hook() != hook) packet.direction = policy::Direction::kOutbound;
}

}  // namespace

Sample RandomStory::next(const Policy& policy) {
    if (!conversation_.empty()) {
        Step step = conversation_.front();
        conversation_.pop_front();
        const std::uint8_t flags = step.sample.packet.tcp_flags;
        if (step.back) step.sample.packet = reply_to(opener_left_);
        step.sample.packet.tcp_flags = flags;
        awaits_opener_ = flags == kSyn && !step.back;
        return step.sample;
    }
    awaits_opener_ = false;
    Sample sample;
    sample.packet = earlier_.empty() || one_in(2) ? fresh(policy) : follow_up(earlier_[below(earlier_.size())]);
    if (one_in(12)) {
        sample.fragment = one_in(2) ? Sample::Fragment::kFirst : Sample::Fragment::kLater;
        sample.fragment_id = static_cast<std::uint32_t>(below(2));
    }
    if (sample.packet.protocol == IPPROTO_TCP) number(sample);
    if (sample.packet.protocol == IPPROTO_TCP && one_in(8)) converse(sample.packet);
    earlier_.push_back({sample.packet, sample.packet});
    if (earlier_.size() > kRemembered) earlier_.pop_front();
    return sample;
}

void RandomStory::left(const Packet& packet) {
    if (!earlier_.empty()) earlier_.back().left = packet;
    if (awaits_opener_) opener_left_ = packet;
}

Packet RandomStory::fresh(const Policy& policy) {
    Packet packet = random_.packet(policy);
    packet.icmp_id = static_cast<std::uint16_t>(below(2));
    if (packet.source.family != Family::kIpv4) return packet;
    if (!policy.forwards.empty() && one_in(3))
        to_forward(packet, policy.forwards[below(policy.forwards.size())]);
    else if (!policy.masquerades.empty() && one_in(2))
        from_masquerade(packet, policy.masquerades[below(policy.masquerades.size())]);
    return packet;
}

// Received, from one of two remotes, for either end of it; or sent by its target.
void RandomStory::to_forward(Packet& packet, const policy::Forward& forward) {
    if (!forward.is_static()) packet.protocol = forward.protocol;
    set_hook(packet, forward.is_static() && one_in(3) ? EDGEFW_SENT : EDGEFW_RECEIVED);
    const bool received = packet.hook() == EDGEFW_RECEIVED;
    (received ? packet.source : packet.destination) = Address{Family::kIpv4, 0x0a000010 + below(2)};
    (received ? packet.destination : packet.source) = !received || one_in(4) ? forward.target : forward.public_address;
    if (forward.is_static()) return;
    packet.source_port = static_cast<std::uint16_t>(1 + below(2));
    packet.destination_port =
        one_in(4) ? forward.target_port : static_cast<std::uint16_t>(forward.public_port + below(forward.ports));
}

// Sent by one of its hosts, to one of two remotes.
void RandomStory::from_masquerade(Packet& packet, const policy::Masquerade& entry) {
    set_hook(packet, EDGEFW_SENT);
    packet.source = one_in(2) ? entry.from[0].first : entry.from[0].last;
    packet.destination = {Family::kIpv4, 0x0a000010 + below(2)};
    packet.source_port = static_cast<std::uint16_t>(1 + below(6));
    packet.destination_port = 3;
}

// The same again, or what the other end may send, which has seen the packet as it left.
Packet RandomStory::follow_up(const Earlier& earlier) {
    Packet packet = earlier.came;
    if (one_in(3)) return packet;
    const bool shakes_hands = packet.protocol == IPPROTO_TCP && (packet.tcp_flags & kSyn) != 0 && !one_in(4);
    if (shakes_hands || one_in(2)) packet = reply_to(one_in(8) ? earlier.came : earlier.left);
    const bool answers = shakes_hands && (packet.tcp_flags & kAck) == 0;
    packet.tcp_flags = kFlags[below(std::size(kFlags))];
    if (shakes_hands) packet.tcp_flags = answers ? kSyn | kAck : kAck;
    return packet;
}

// A whole TCP connection, with a reset near the end that may not fit.
void RandomStory::converse(Packet packet) {
    const auto step = [&](bool back, std::uint8_t flags) {
        packet.tcp_flags = flags;
        conversation_.push_back({back, {.packet = packet}});
    };
    step(false, kSyn);
    step(true, kSyn | kAck);
    step(false, kAck);
    static constexpr std::uint8_t kEnding[] = {kPsh | kAck, kRst, kFin | kAck, kRst | kAck, kAck};
    for (const std::uint8_t flags : kEnding) {
        step(one_in(2), flags);
        number(conversation_.back().sample);
    }
}

// Numbers that fit, nearly fit, and do not.
void RandomStory::number(Sample& sample) {
    static constexpr std::uint32_t kOff[] = {1,          0xffffffff, 100,      0xffffff9c, 65535,      65600,
                                             0xffff0000, 0x80000000, 0x100000, 0x100001,   0xfff00000, 0xffefffff};
    if (one_in(4)) sample.payload = 100;
    if (sample.fragment == Sample::Fragment::kFirst) sample.payload = 4;
    if (one_in(6)) sample.sequence_off = kOff[below(std::size(kOff))];
    if (one_in(6)) sample.acknowledgment_off = kOff[below(std::size(kOff))];
}

}  // namespace edgefw::test
