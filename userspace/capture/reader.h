// SPDX-License-Identifier: GPL-2.0-only
// Capture files, record by record: pcap and pcapng, of either byte order, as tcpdump, dumpcap and their like write
// them. The file is whoever's: nothing is believed that it says of lengths, and no memory is taken for what it only
// claims.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"

namespace edgefw::capture {

// Which way a packet went at the card, where something says so.
enum class Way { kUnknown, kReceived, kSent };

// One packet as the file has it.
struct Record {
    std::uint64_t number = 0;         // from 1, over all sections and interfaces
    std::uint32_t link = 0;           // what `bytes` begin with (link_type.h)
    std::uint32_t wire_length = 0;    // as the file says; never less than `bytes`
    Way way = Way::kUnknown;          // epb_flags of pcapng
    std::vector<std::uint8_t> bytes;  // what was captured of it
    std::optional<bool> passed = {};  // epb_verdict of pcapng: what XDP or tc made of it
};

class Reader {
public:
    // Reads the head of the file. `file` outlives the reader; `name` is how errors call it. kFailed: no capture file.
    static Result<Reader> open(std::istream& file, std::string name);

    // The next packet, which stays until the next call; nullptr at the end of the file. kFailed where the file is
    // damaged or ends within a packet: all before it has been given, and nothing comes after it.
    Result<const Record*> next();

private:
    enum class Format { kPcap, kPcapng };
    struct Interface {
        std::uint32_t link = 0;
        std::uint32_t snap_length = 0;  // 0: none
    };
    enum class Block { kPacket, kOther, kEnd };

    Reader(std::istream& file, std::string name) : file_(&file), name_(std::move(name)) {}

    Result<Ok> read_pcap_head(const std::uint8_t* magic);
    Result<const Record*> next_of_pcap();
    Result<Block> next_block();
    Result<Ok> read_section(const std::uint8_t* head);
    Result<Ok> read_interface();
    Result<Ok> read_enhanced(bool obsolete);
    void read_options(std::size_t at);
    Result<Ok> read_simple();
    Result<Ok> take(std::uint32_t interface, std::size_t offset, std::uint32_t captured, std::uint32_t length);

    // Reads `wanted` bytes; fewer only where the file ends.
    Result<std::size_t> read(std::uint8_t* to, std::size_t wanted);
    Result<Ok> read_all(std::uint8_t* to, std::size_t wanted);
    // Likewise into `to`, which grows only as bytes come.
    Result<Ok> read_into(std::vector<std::uint8_t>& to, std::size_t wanted);
    Result<Ok> skip(std::uint64_t bytes);

    std::uint16_t get16(const std::uint8_t* at) const;
    std::uint32_t get32(const std::uint8_t* at) const;
    Error damaged(const std::string& what) const;

    std::istream* file_;
    std::string name_;
    Format format_ = Format::kPcap;
    bool big_endian_ = false;  // the file, or the section
    std::uint32_t link_ = 0;   // of all packets of a pcap file
    std::vector<Interface> interfaces_;
    std::vector<std::uint8_t> block_;  // the body of a block
    Record record_;
};

}  // namespace edgefw::capture
