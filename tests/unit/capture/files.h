// SPDX-License-Identifier: GPL-2.0-only
// Capture files for tests, made byte by byte.
#pragma once

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "userspace/capture/reader.h"
#include "userspace/packet/capture_format.h"

namespace edgefw::capture {

using namespace packet;
using Bytes = std::vector<std::uint8_t>;

// Writes numbers in one byte order.
class Maker {
public:
    explicit Maker(bool big_endian) : big_(big_endian) {}
    Maker& u16(std::uint32_t value) { return number(value, 2); }
    Maker& u32(std::uint32_t value) { return number(value, 4); }
    Maker& bytes(const Bytes& more) {
        file_.append(more.begin(), more.end());
        return *this;
    }
    Maker& pad() {
        while (file_.size() % 4 != 0)
            file_ += '\0';
        return *this;
    }

    Maker& pcap_head(std::uint32_t magic = 0xa1b2c3d4, std::uint32_t link = kLinkEthernet) {
        return u32(magic).u16(2).u16(4).u32(0).u32(0).u32(262144).u32(link);
    }
    Maker& pcap_packet(const Bytes& packet, std::uint32_t length) {
        return u32(1).u32(2).u32(static_cast<std::uint32_t>(packet.size())).u32(length).bytes(packet);
    }
    Maker& section() { return u32(0x0a0d0d0a).u32(28).u32(0x1a2b3c4d).u16(1).u16(0).u32(~0u).u32(~0u).u32(28); }
    Maker& interface(std::uint32_t link = kLinkEthernet, std::uint32_t snap = 0) {
        return u32(1).u32(20).u16(link).u16(0).u32(snap).u32(20);
    }
    // `flags`: epb_flags, behind an option of 5 bytes.
    Maker& enhanced(std::uint32_t interface, const Bytes& packet, std::uint32_t length, std::uint32_t flags) {
        const auto captured = static_cast<std::uint32_t>(packet.size());
        const std::uint32_t whole = 32 + (captured + 3) / 4 * 4 + 12 + 8 + 4;
        u32(6).u32(whole).u32(interface).u32(0).u32(0).u32(captured).u32(length).bytes(packet).pad();
        u16(1).u16(5).bytes({'h', 'e', 'l', 'l', 'o'}).pad();
        return u16(2).u16(4).u32(flags).u32(0).u32(whole);
    }
    Maker& simple(const Bytes& packet, std::uint32_t length) {
        const auto whole = static_cast<std::uint32_t>(16 + (packet.size() + 3) / 4 * 4);
        return u32(3).u32(whole).u32(length).bytes(packet).pad().u32(whole);
    }

    const std::string& file() const { return file_; }

private:
    Maker& number(std::uint32_t value, int bytes) {
        for (int i = 0; i < bytes; ++i)
            file_ += static_cast<char>(value >> 8 * (big_ ? bytes - 1 - i : i));
        return *this;
    }

    bool big_;
    std::string file_;
};

// All that a file gives, and the error behind it; empty: it ends well.
struct Given {
    std::vector<Record> records;
    std::string error;
};

inline Given read_all(const std::string& file) {
    std::istringstream stream(file);
    Given given;
    Result<Reader> reader = Reader::open(stream, "x.pcap");
    if (!reader) return {{}, reader.error().message};
    while (true) {
        const auto record = reader->next();
        if (!record) {
            given.error = record.error().message;
            return given;
        }
        if (*record == nullptr) return given;
        given.records.push_back(**record);
    }
}

}  // namespace edgefw::capture
