// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/history/entry.h"

#include <nlohmann/json.hpp>

#include "userspace/base/compress.h"
#include "userspace/base/sha256.h"
#include "userspace/image/hosts.h"

namespace edgefw::history {
namespace {

using nlohmann::ordered_json;

constexpr int kFormat = 1;
constexpr std::size_t kLongestLine = 1u << 20;
constexpr std::size_t kLongestText = 1u << 30;

// Names of files and arguments may be any bytes.
std::string dump(const ordered_json& json) {
    return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

struct Parts {
    ordered_json head;
    std::string_view frame;
};

Result<Parts> parts_of(std::string_view bytes) {
    const std::size_t end = bytes.substr(0, kLongestLine).find('\n');
    if (end == std::string_view::npos) return failed("it is no entry of the history, or damaged");
    const std::string_view line = bytes.substr(0, end);
    Parts parts{ordered_json::parse(line.begin(), line.end(), nullptr, false), bytes.substr(end + 1)};
    try {
        if (!parts.head.is_object()) return failed("it is no entry of the history, or damaged");
        if (parts.head.at("format").get<int>() != kFormat) return failed("another version of edgefw wrote it");
        if (parts.head.at("frame").get<std::size_t>() != parts.frame.size())
            return failed("it is damaged: its end is missing");
    } catch (const ordered_json::exception&) {
        return failed("it is no entry of the history, or damaged");
    }
    return parts;
}

Result<Facts> facts_of(const ordered_json& head) {
    try {
        Facts facts;
        head.at("number").get_to(facts.number);
        head.at("from").get_to(facts.from);
        head.at("time").get_to(facts.time);
        head.at("boot").get_to(facts.boot);
        head.at("generation").get_to(facts.generation);
        head.at("cards").get_to(facts.cards);
        head.at("one_card").get_to(facts.one_card);
        head.at("digest").get_to(facts.digest);
        head.at("user").get_to(facts.user);
        head.at("command").get_to(facts.command);
        head.at("file").get_to(facts.file);
        head.at("rules").get_to(facts.rules);
        return facts;
    } catch (const ordered_json::exception&) {
        return failed("it is no entry of the history, or damaged");
    }
}

Result<Entry> read_texts(Facts facts, const std::string& text) {
    const ordered_json json = ordered_json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("sources") || !json.contains("hosts") || !json["sources"].is_string() ||
        !json["hosts"].is_string())
        return failed("it is damaged: its texts are not readable");
    auto sources = document::read_sources(json["sources"].get<std::string>());
    if (!sources) return failed("it is damaged: its texts are not readable");
    auto hosts = image::parse_hosts(json["hosts"].get<std::string>());
    if (!hosts) return failed("it is damaged: its hosts are not readable");
    return Entry{std::move(facts), std::move(*sources), std::move(hosts->hosts)};
}

}  // namespace

Result<std::string> to_bytes(const Entry& entry) {
    const Facts& facts = entry.facts;
    const ordered_json texts{{"sources", entry.sources.to_text()},
                             {"hosts", image::Hosts{.hosts = entry.hosts, .meanings = {}}.to_text()}};
    const std::string text = dump(texts);
    const auto frame = compress(text);
    if (!frame) return frame.error();
    const auto checksum = sha256(*frame);
    if (!checksum) return checksum.error();
    const ordered_json head{{"format", kFormat},    {"number", facts.number},     {"from", facts.from},
                            {"time", facts.time},   {"boot", facts.boot},         {"generation", facts.generation},
                            {"cards", facts.cards}, {"one_card", facts.one_card}, {"digest", facts.digest},
                            {"user", facts.user},   {"command", facts.command},   {"file", facts.file},
                            {"rules", facts.rules}, {"text", text.size()},        {"frame", frame->size()},
                            {"sha256", *checksum}};
    return dump(head) + "\n" + *frame;
}

Result<Facts> read_facts(std::string_view bytes) {
    const auto parts = parts_of(bytes);
    if (!parts) return parts.error();
    return facts_of(parts->head);
}

Result<Entry> read_entry(std::string_view bytes) {
    const auto parts = parts_of(bytes);
    if (!parts) return parts.error();
    auto facts = facts_of(parts->head);
    if (!facts) return facts.error();
    std::size_t longest = 0;
    try {
        longest = parts->head.at("text").get<std::size_t>();
        const auto checksum = sha256(std::string(parts->frame));
        if (!checksum) return checksum.error();
        if (parts->head.at("sha256").get<std::string>() != *checksum)
            return failed("it is damaged: its texts are not those that were written");
    } catch (const ordered_json::exception&) {
        return failed("it is no entry of the history, or damaged");
    }
    if (longest > kLongestText) return failed("it is damaged: no policy is that long");
    const auto text = decompress(parts->frame, longest);
    if (!text) return failed("it is damaged: its texts are not readable");
    return read_texts(std::move(*facts), *text);
}

}  // namespace edgefw::history
