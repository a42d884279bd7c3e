// SPDX-License-Identifier: GPL-2.0-only
// pcap: draft-ietf-opsawg-pcap; pcapng: draft-ietf-opsawg-pcapng. Times are not read: nothing here needs them.
#include "userspace/capture/reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "userspace/capture/link_type.h"
#include "userspace/packet/capture_format.h"

namespace edgefw::capture {
namespace {

using namespace packet;

// The most that libpcap takes of one packet, and of one block.
constexpr std::uint32_t kMostCaptured = 262'144;
constexpr std::uint32_t kMostBlock = 16u << 20;
constexpr std::size_t kMostInterfaces = 65'536;  // of a section: Wireshark's are some tens
constexpr std::size_t kPiece = 64u << 10;        // memory that is taken before its bytes are there

constexpr std::size_t kPcapHead = 24;
constexpr std::size_t kPcapRecord = 16;
constexpr std::uint32_t kMicroseconds = 0xa1b2c3d4;
constexpr std::uint32_t kNanoseconds = 0xa1b23c4d;
constexpr std::uint32_t kKuznetzov = 0xa1b2cd34;

constexpr std::size_t kBlockHead = 8;      // type and length
constexpr std::size_t kBlockEnds = 12;     // and the length once more
constexpr std::size_t kEnhancedHead = 20;  // of its body, before the packet

std::uint32_t little(const std::uint8_t* at) {
    return at[0] | at[1] << 8 | at[2] << 16 | static_cast<std::uint32_t>(at[3]) << 24;
}

std::uint32_t big(const std::uint8_t* at) {
    return static_cast<std::uint32_t>(at[0]) << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

std::size_t padded(std::size_t length) {
    return (length + 3) & ~std::size_t{3};
}

// Bits 0 and 1 of the flags: 1 is inbound, 2 is outbound.
Way way_from(std::uint32_t flags) {
    switch (flags & 3) {
        case 1:
            return Way::kReceived;
        case 2:
            return Way::kSent;
        default:
            return Way::kUnknown;
    }
}

// What a hook made of a packet; nothing where it neither passed nor dropped it.
std::optional<bool> passed_from(std::uint8_t kind, std::int64_t code) {
    if (kind == kXdpVerdict) {
        if (code == kXdpPass) return true;
        if (code == kXdpDrop || code == kXdpAborted) return false;
    }
    if (kind == kTcVerdict) {
        if (code == kTcNext || code == kTcOk) return true;
        if (code == kTcDrop) return false;
    }
    return std::nullopt;
}

}  // namespace

std::uint16_t Reader::get16(const std::uint8_t* at) const {
    return static_cast<std::uint16_t>(big_endian_ ? at[0] << 8 | at[1] : at[1] << 8 | at[0]);
}

std::uint32_t Reader::get32(const std::uint8_t* at) const {
    return big_endian_ ? big(at) : little(at);
}

Error Reader::damaged(const std::string& what) const {
    return failed(name_ + ": " + what + " behind packet " + std::to_string(record_.number) +
                  "; the file is damaged, and what comes behind is not read");
}

Result<std::size_t> Reader::read(std::uint8_t* to, std::size_t wanted) {
    errno = 0;
    file_->read(reinterpret_cast<char*>(to), static_cast<std::streamsize>(wanted));
    if (file_->bad()) return failed("cannot read " + name_ + ": " + std::strerror(errno != 0 ? errno : EIO));
    return static_cast<std::size_t>(file_->gcount());
}

Result<Ok> Reader::read_all(std::uint8_t* to, std::size_t wanted) {
    const Result<std::size_t> got = read(to, wanted);
    if (!got) return got.error();
    if (*got == wanted) return Ok{};
    return failed(name_ + ": the file is cut off behind packet " + std::to_string(record_.number) +
                  "; what there is before was read");
}

Result<Ok> Reader::read_into(std::vector<std::uint8_t>& to, std::size_t wanted) {
    to.clear();
    while (to.size() < wanted) {
        const std::size_t had = to.size();
        const std::size_t piece = std::min(wanted - had, kPiece);
        to.resize(had + piece);
        if (auto done = read_all(to.data() + had, piece); !done) return done;
    }
    return Ok{};
}

Result<Ok> Reader::skip(std::uint64_t bytes) {
    std::uint8_t piece[4096];
    while (bytes > 0) {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, sizeof piece));
        if (auto done = read_all(piece, size); !done) return done;
        bytes -= size;
    }
    return Ok{};
}

Result<Reader> Reader::open(std::istream& file, std::string name) {
    Reader reader(file, std::move(name));
    std::uint8_t magic[4];
    const Result<std::size_t> got = reader.read(magic, sizeof magic);
    if (!got) return got.error();
    const std::string what = reader.name_ + " is no pcap or pcapng file";
    if (*got >= 2 && magic[0] == 0x1f && magic[1] == 0x8b) return failed(what + ": it is compressed, use gunzip first");
    if (*got == sizeof magic && little(magic) == 0xfd2fb528)
        return failed(what + ": it is compressed, use unzstd first");
    if (*got < sizeof magic) return failed(what + ": it has " + std::to_string(*got) + " bytes");
    if (little(magic) == kSectionBlock) {
        reader.format_ = Format::kPcapng;
        std::uint8_t length[4];
        if (auto done = reader.read_all(length, sizeof length); !done) return done.error();
        if (auto done = reader.read_section(length); !done) return done.error();
        return reader;
    }
    if (auto done = reader.read_pcap_head(magic); !done) return done.error();
    return reader;
}

Result<Ok> Reader::read_pcap_head(const std::uint8_t* magic) {
    const auto is = [&](std::uint32_t value) { return little(magic) == value || big(magic) == value; };
    if (is(kKuznetzov)) {
        return failed(name_ +
                      " is a pcap file of Alexey Kuznetzov's format, which is not read; convert it: "
                      "editcap -F pcap FILE NEW");
    }
    if (!is(kMicroseconds) && !is(kNanoseconds)) return failed(name_ + " is no pcap or pcapng file");
    big_endian_ = big(magic) == kMicroseconds || big(magic) == kNanoseconds;
    std::uint8_t head[kPcapHead - 4];
    if (auto done = read_all(head, sizeof head); !done) return done;
    if (get16(head) != 2) {
        return failed(name_ + " is a pcap file of version " + std::to_string(get16(head)) +
                      ", which is not read; convert it: editcap -F pcap FILE NEW");
    }
    link_ = get32(head + 16) & 0xffff;  // above it: length of the FCS
    if (is_read(link_)) return Ok{};
    return failed(name_ + " has packets of link type " + link_name(link_) +
                  ", which is not read: " + link_types_read());
}

Result<const Record*> Reader::next() {
    if (format_ == Format::kPcap) return next_of_pcap();
    while (true) {
        const Result<Block> block = next_block();
        if (!block) return block.error();
        if (*block == Block::kPacket) return &record_;
        if (*block == Block::kEnd) return nullptr;
    }
}

Result<const Record*> Reader::next_of_pcap() {
    std::uint8_t head[kPcapRecord];
    const Result<std::size_t> got = read(head, 1);
    if (!got) return got.error();
    if (*got == 0) return nullptr;
    if (auto done = read_all(head + 1, sizeof head - 1); !done) return done.error();
    const std::uint32_t captured = get32(head + 8);
    if (captured > kMostCaptured) return damaged("a packet of " + std::to_string(captured) + " captured bytes");
    if (auto done = read_into(record_.bytes, captured); !done) return done.error();
    record_.link = link_;
    record_.wire_length = std::max(get32(head + 12), captured);
    ++record_.number;
    return &record_;
}

// `length` of the block that begins a section, as it stands there: what follows says its byte order.
Result<Ok> Reader::read_section(const std::uint8_t* length) {
    std::uint8_t order[4];
    if (auto done = read_all(order, sizeof order); !done) return done;
    if (little(order) != kByteOrder && big(order) != kByteOrder) return damaged("a section without a byte order");
    big_endian_ = big(order) == kByteOrder;
    const std::uint32_t whole = get32(length);
    if (whole < kBlockEnds + 16 || whole % 4 != 0)
        return damaged("a section header of " + std::to_string(whole) + " bytes");
    std::uint8_t version[12];  // and the section's length, which need not be true
    if (auto done = read_all(version, sizeof version); !done) return done;
    if (get16(version) != 1) {
        return failed(name_ + " is a pcapng file of version " + std::to_string(get16(version)) + ", which is not read");
    }
    interfaces_.clear();
    if (auto done = skip(whole - kBlockEnds - 16); !done) return done;
    std::uint8_t again[4];
    if (auto done = read_all(again, sizeof again); !done) return done;
    return get32(again) == whole ? Result<Ok>(Ok{}) : damaged("a block whose two lengths differ");
}

Result<Reader::Block> Reader::next_block() {
    std::uint8_t head[kBlockHead];
    const Result<std::size_t> got = read(head, 1);
    if (!got) return got.error();
    if (*got == 0) return Block::kEnd;
    if (auto done = read_all(head + 1, sizeof head - 1); !done) return done.error();
    if (little(head) == kSectionBlock) {
        if (auto done = read_section(head + 4); !done) return done.error();
        return Block::kOther;
    }
    const std::uint32_t type = get32(head);
    const std::uint32_t whole = get32(head + 4);
    if (whole < kBlockEnds || whole % 4 != 0) return damaged("a block of " + std::to_string(whole) + " bytes");
    const std::uint32_t body = whole - kBlockEnds;
    const bool is_packet = type == kEnhancedPacketBlock || type == kSimplePacketBlock || type == kObsoletePacketBlock;
    if (is_packet || type == kInterfaceBlock) {
        if (body > kMostBlock) return damaged("a block of " + std::to_string(whole) + " bytes");
        if (auto done = read_into(block_, body); !done) return done.error();
    } else if (auto done = skip(body); !done) {
        return done.error();
    }
    std::uint8_t again[4];
    if (auto done = read_all(again, sizeof again); !done) return done.error();
    if (get32(again) != whole) return damaged("a block whose two lengths differ");
    if (type == kInterfaceBlock) {
        if (auto done = read_interface(); !done) return done.error();
    }
    if (!is_packet) return Block::kOther;
    const auto taken = type == kSimplePacketBlock ? read_simple() : read_enhanced(type == kObsoletePacketBlock);
    if (!taken) return taken.error();
    return Block::kPacket;
}

Result<Ok> Reader::read_interface() {
    if (block_.size() < 8) return damaged("an interface block that is too short");
    if (interfaces_.size() == kMostInterfaces)
        return damaged("more than " + std::to_string(kMostInterfaces) + " interfaces");
    interfaces_.push_back({get16(block_.data()), get32(block_.data() + 4)});
    return Ok{};
}

// The enhanced packet block, and the packet block that it has replaced: of the same lengths.
Result<Ok> Reader::read_enhanced(bool obsolete) {
    if (block_.size() < kEnhancedHead) return damaged("a packet block that is too short");
    const std::uint8_t* head = block_.data();
    const std::uint32_t interface = obsolete ? get16(head) : get32(head);
    const std::uint32_t captured = get32(head + 12);
    if (auto done = take(interface, kEnhancedHead, captured, get32(head + 16)); !done) return done;
    read_options(kEnhancedHead + padded(captured));
    return Ok{};
}

// What there is of the options that are asked for; a damaged one ends them.
void Reader::read_options(std::size_t at) {
    const std::uint8_t* block = block_.data();
    while (at + 4 <= block_.size()) {
        const std::uint16_t code = get16(block + at);
        const std::size_t length = get16(block + at + 2);
        if (code == kEndOfOptions || length > block_.size() - at - 4) return;
        const std::uint8_t* value = block + at + 4;
        if (code == kFlagsOption && length == 4) record_.way = way_from(get32(value));
        if (code == kVerdictOption && length == 9) {
            const std::uint64_t low = get32(value + (big_endian_ ? 5 : 1)), high = get32(value + (big_endian_ ? 1 : 5));
            record_.passed = passed_from(value[0], static_cast<std::int64_t>(high << 32 | low));
        }
        at += 4 + padded(length);
    }
}

Result<Ok> Reader::read_simple() {
    if (block_.size() < 4) return damaged("a packet block that is too short");
    const std::uint32_t length = get32(block_.data());
    std::uint32_t captured = length;
    if (!interfaces_.empty() && interfaces_[0].snap_length != 0)
        captured = std::min(captured, interfaces_[0].snap_length);
    return take(0, 4, captured, length);
}

Result<Ok> Reader::take(std::uint32_t interface, std::size_t offset, std::uint32_t captured, std::uint32_t length) {
    if (interface >= interfaces_.size()) return damaged("a packet of an interface that is not there");
    if (captured > kMostCaptured || captured > block_.size() - offset)
        return damaged("a packet of " + std::to_string(captured) + " captured bytes");
    const auto begin = block_.begin() + static_cast<std::ptrdiff_t>(offset);
    record_.bytes.assign(begin, begin + static_cast<std::ptrdiff_t>(captured));
    record_.link = interfaces_[interface].link;
    record_.wire_length = std::max(length, captured);
    record_.way = Way::kUnknown;
    record_.passed.reset();
    ++record_.number;
    return Ok{};
}

}  // namespace edgefw::capture
