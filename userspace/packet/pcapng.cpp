// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/packet/pcapng.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "userspace/packet/capture_format.h"

namespace edgefw::packet {
namespace {

// One block in the making, in this machine's byte order, which the section header tells.
class Block {
public:
    explicit Block(std::uint32_t type) {
        add(type);
        add(std::uint32_t{0});  // its length, known at the end
    }

    template <typename Number>
    void add(Number number) {
        bytes_.append(reinterpret_cast<const char*>(&number), sizeof(number));
    }
    // Padded to four bytes.
    void add_bytes(const void* bytes, std::size_t size) {
        bytes_.append(static_cast<const char*>(bytes), size);
        bytes_.resize((bytes_.size() + 3) / 4 * 4, '\0');
    }
    void add_option(std::uint16_t code, const void* bytes, std::size_t size) {
        add(code);
        add(static_cast<std::uint16_t>(size));
        add_bytes(bytes, size);
    }
    void add_option(std::uint16_t code, const std::string& text) {
        constexpr std::size_t kLongest = 65535;
        add_option(code, text.data(), std::min(text.size(), kLongest));
    }
    std::string finished() {
        add<std::uint16_t>(kEndOfOptions);
        add(std::uint16_t{0});
        const auto length = static_cast<std::uint32_t>(bytes_.size() + sizeof(std::uint32_t));
        std::memcpy(bytes_.data() + sizeof(std::uint32_t), &length, sizeof(length));
        add(length);
        return std::move(bytes_);
    }

private:
    std::string bytes_;
};

std::string section(const std::string& application) {
    Block block(kSectionBlock);
    block.add(kByteOrder);
    block.add(std::uint16_t{1});
    block.add(std::uint16_t{0});
    block.add(std::int64_t{-1});  // its length is not told
    block.add_option(kApplicationOption, application);
    return block.finished();
}

std::string interface(const std::string& name, bool has_link) {
    constexpr std::uint8_t kMilliseconds = 3;
    Block block(kInterfaceBlock);
    block.add<std::uint16_t>(has_link ? kLinkEthernet : kLinkRaw);
    block.add(std::uint16_t{0});
    block.add(std::uint32_t{0});  // frames of any length
    block.add_option(kNameOption, name);
    block.add_option(kResolutionOption, &kMilliseconds, sizeof(kMilliseconds));
    return block.finished();
}

// What the hook returned, in the bytes of the option epb_verdict.
void add_verdict(Block& block, const Captured& frame) {
    const std::int64_t code = frame.at_xdp ? (frame.passed ? kXdpPass : kXdpDrop) : (frame.passed ? kTcNext : kTcDrop);
    std::uint8_t bytes[1 + sizeof(code)] = {frame.at_xdp ? kXdpVerdict : kTcVerdict};
    std::memcpy(bytes + 1, &code, sizeof(code));
    block.add_option(kVerdictOption, bytes, sizeof(bytes));
}

std::string packet(const Captured& frame, std::uint32_t interface) {
    Block block(kEnhancedPacketBlock);
    block.add(interface);
    block.add(static_cast<std::uint32_t>(frame.time >> 32));
    block.add(static_cast<std::uint32_t>(frame.time));
    const auto captured = static_cast<std::uint32_t>(frame.frame.size());
    block.add(captured);
    block.add(std::max(frame.length, captured));
    block.add_bytes(frame.frame.data(), frame.frame.size());
    if (!frame.comment.empty()) block.add_option(kCommentOption, frame.comment);
    const std::uint32_t flags = frame.inbound ? kInboundFlag : kOutboundFlag;
    block.add_option(kFlagsOption, &flags, sizeof(flags));
    add_verdict(block, frame);
    return block.finished();
}

}  // namespace

std::string pcapng_of(const std::vector<Captured>& frames, const std::string& application) {
    std::string file = section(application);
    std::map<std::pair<std::string, bool>, std::uint32_t> interfaces;
    for (const Captured& frame : frames) {
        const auto [found, is_new] =
            interfaces.try_emplace({frame.interface, frame.has_link}, static_cast<std::uint32_t>(interfaces.size()));
        if (is_new) file += interface(frame.interface, frame.has_link);
        file += packet(frame, found->second);
    }
    return file;
}

}  // namespace edgefw::packet
