// SPDX-License-Identifier: GPL-2.0-only
// The connections in the tables of attached cards: read, and ended.
#include "maps/connection.h"

#include <arpa/inet.h>

#include <cstring>
#include <unordered_map>
#include <utility>

#include "userspace/kernel/clock.h"
#include "userspace/kernel/config.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/inventory.h"
#include "userspace/kernel/opened.h"
#include "userspace/kernel/sessions.h"
#include "userspace/language/states.h"

namespace edgefw::kernel {
namespace {

// What all connections of a card are read with.
struct Reader {
    const CardState* card = nullptr;
    edgefw_config config = {};
    std::unordered_map<std::uint32_t, std::string> ids;  // by counter slot
    std::uint64_t now = 0;                               // jiffies
    std::uint32_t second = 1;                            // in jiffies

    std::string id_of(std::uint32_t slot) const {
        const auto found = ids.find(slot);
        return found == ids.end() ? std::string() : found->second;
    }
    // The note alone may be of the element's connection before: a policy that judged this one has written its number.
    bool is_revoked(const edgefw_connection& value) const {
        return value.is_revoked != 0 && value.generation != config.generation;
    }
    bool is_live(const edgefw_connection& value) const {
        if (is_revoked(value) && uptime() >= config.retains_until) return false;
        return value.state < EDGEFW_STATE_COUNT && jiffies_since(value.seen, now) <= config.timeout[value.state];
    }
};

Result<Reader> reader_of(const Home& home, const CardState& card, std::uint32_t number) {
    Reader reader;
    reader.card = &card;
    auto now = jiffies_now();
    if (!now) return now.error();
    reader.now = *now;
    reader.second = jiffies_of(1);
    reader.config = config_without_policy(card.side());
    if (number == 0) return reader;  // what is learned until the first push
    auto generation = Generation::open(home.generation(number));
    if (!generation) return generation.error();
    auto config = generation->config(card.side());
    if (!config) return config.error();
    reader.config = *config;
    const auto listing = generation->listing();
    if (!listing) return listing.error();
    for (const auto& [id, slot] : listing->slots())
        reader.ids[slot] = id;
    return reader;
}

template <typename Key>
Connection read(const Reader& reader, Family family, const std::uint8_t* bytes, const edgefw_connection& value) {
    Key key;
    std::memcpy(&key, bytes, sizeof(key));
    Connection connection;
    connection.interface = reader.card->card().interface;
    connection.side = reader.card->side();
    connection.opener = value.hook == EDGEFW_SENT ? EDGEFW_SENT : EDGEFW_RECEIVED;
    connection.protocol = key.protocol;
    connection.local = Address::from_bytes(family, bytes + offsetof(Key, local));
    connection.remote = Address::from_bytes(family, bytes + offsetof(Key, remote));
    connection.local_port = ntohs(key.local_port);
    connection.remote_port = ntohs(key.remote_port);
    connection.rule = reader.id_of(value.rule);
    if (value.nat != 0) {
        connection.nat = reader.id_of(value.nat);
        if (connection.nat.empty()) connection.nat = "(removed)";  // by a push since: its next packet is judged again
        std::uint8_t address[sizeof(value.public_address)];
        std::memcpy(address, &value.public_address, sizeof(address));
        connection.public_address = Address::from_bytes(Family::kIpv4, address);
        connection.public_port = ntohs(value.public_port);
    }
    connection.state = policy::kStateNames[value.state];  // a live one: is_live()
    connection.revoked = reader.is_revoked(value);
    connection.age = jiffies_since(value.opened, reader.now) / reader.second;
    connection.idle = jiffies_since(value.seen, reader.now) / reader.second;
    for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT})
        connection.bytes[hook] = value.end[hook].bytes;
    return connection;
}

template <typename Key>
std::vector<std::uint8_t> key_of(const TcpEnds& ends) {
    Key key = {};
    std::memcpy(&key.local, ends.local.bytes().data(), sizeof(key.local));
    std::memcpy(&key.remote, ends.remote.bytes().data(), sizeof(key.remote));
    key.local_port = htons(ends.local_port);
    key.remote_port = htons(ends.remote_port);
    key.protocol = IPPROTO_TCP;
    std::vector<std::uint8_t> bytes(sizeof(key));
    std::memcpy(bytes.data(), &key, sizeof(key));
    return bytes;
}

struct Entry {
    const ConnectionTable& table;
    const std::uint8_t* key;
    const edgefw_connection& value;
};
using Each = std::function<void(const Entry& entry, const Connection& connection)>;

Result<Ok> walk_table(const Reader& reader, const ConnectionTable& table, const Each& each) {
    const bool ipv4 = table.family == Family::kIpv4;
    const auto hand = [&](const std::uint8_t* key, const std::uint8_t* bytes) {
        edgefw_connection value;
        std::memcpy(&value, bytes, sizeof(value));
        if (!reader.is_live(value)) return;
        Connection connection = ipv4 ? read<edgefw_connection4_key>(reader, table.family, key, value)
                                     : read<edgefw_connection6_key>(reader, table.family, key, value);
        connection.half_open = table.half_open() && value.state != EDGEFW_STATE_TCP_CLOSED;
        each({table, key, value}, connection);
    };
    auto walked = table.map->for_each(hand);
    if (!walked || table.older == nullptr) return walked;
    // An older table stays where a push ended early. A connection that was brought over since is in both tables for a
    // moment, and was handed on above.
    return table.older->for_each([&](const std::uint8_t* key, const std::uint8_t* bytes) {
        edgefw_connection value;
        if (!table.map->read(key, &value)) hand(key, bytes);
    });
}

Result<Ok> walk_card(const Reader& reader, const Each& each) {
    for (const ConnectionTable& table : reader.card->connection_tables()) {
        if (auto walked = walk_table(reader, table, each); !walked) return walked.error();
    }
    return Ok{};
}

bool took_out(const Map& table, const std::uint8_t* key) {
    const auto removed = table.remove(key);
    return removed && *removed;
}

// What is done with the connections of each card, and after the last of each.
struct Visit {
    Each each;
    std::function<Result<Ok>(const CardState& card)> end = [](const CardState&) -> Result<Ok> { return Ok{}; };
};

Result<Ok> walk(const Home& home, const std::optional<std::string>& interface, const Visit& visit) {
    auto inventory = take_inventory(home);
    if (!inventory) return inventory.error();
    if (inventory->cards.empty()) return nothing_attached();
    if (interface && inventory->find(*interface) == nullptr) return not_attached(*interface);
    for (const CardState& card : inventory->cards) {
        if (interface && *interface != card.card().interface) continue;
        const std::uint32_t number = inventory->generation_of(card);
        auto reader = reader_of(home, card, number);
        if (!reader) return reader.error();
        if (auto walked = walk_card(*reader, visit.each); !walked) return walked.error();
        if (auto ended = visit.end(card); !ended) return ended.error();
    }
    return Ok{};
}

}  // namespace

Result<std::vector<Connection>> connections(const std::optional<std::string>& interface) {
    silence_libbpf();
    auto home = Home::look();
    if (!home) return home.error();
    std::vector<Connection> all;
    auto walked =
        walk(*home, interface, {[&](const Entry&, const Connection& connection) { all.push_back(connection); }});
    if (!walked) return walked.error();
    return all;
}

Result<std::vector<OpenedConnection>> opened_connections(const std::optional<std::string>& interface) {
    silence_libbpf();
    auto home = Home::look();
    if (!home) return home.error();
    std::vector<OpenedConnection> all;
    auto walked = walk(*home, interface, {[&](const Entry& entry, const Connection& connection) {
        all.push_back({connection, entry.value.generation, entry.value.detail, entry.value.vlan});
    }});
    if (!walked) return walked.error();
    return all;
}

Result<std::optional<edgefw_hook>> opener_of(const std::string& interface, const TcpEnds& ends) {
    silence_libbpf();
    auto home = Home::look();
    if (!home) return home.error();
    auto inventory = take_inventory(*home);
    if (!inventory) return inventory.error();
    const CardState* card = inventory->find(interface);
    if (card == nullptr) return std::optional<edgefw_hook>();
    auto reader = reader_of(*home, *card, inventory->generation_of(*card));
    if (!reader) return reader.error();
    std::optional<edgefw_hook> opener;
    for (const ConnectionTable& table : card->connection_tables()) {
        if (table.family != ends.local.family) continue;
        const std::vector<std::uint8_t> key =
            table.family == Family::kIpv4 ? key_of<edgefw_connection4_key>(ends) : key_of<edgefw_connection6_key>(ends);
        for (const Map* map : {table.map, table.older}) {
            edgefw_connection value;
            if (map == nullptr || opener || !map->read(key.data(), &value) || !reader->is_live(value)) continue;
            opener = value.hook == EDGEFW_SENT ? EDGEFW_SENT : EDGEFW_RECEIVED;
        }
    }
    return opener;
}

Result<std::uint64_t> end_connections(const std::function<bool(const Connection&)>& which) {
    silence_libbpf();
    // With the lock: a push that resizes would bring back what is ended here.
    auto home = Home::lock();
    if (!home) return home.error();
    std::uint64_t removed[EDGEFW_TABLES] = {}, all = 0;
    Visit visit;
    visit.each = [&](const Entry& entry, const Connection& connection) {
        const auto& [table, key, value] = entry;
        if (!which(connection)) return;
        const bool older = table.older != nullptr && took_out(*table.older, key);
        if (took_out(*table.map, key) || older) removed[table.index()]++;
    };
    visit.end = [&](const CardState& card) -> Result<Ok> {
        for (const ConnectionTable& table : card.connection_tables()) {
            all += removed[table.index()];
            const std::uint64_t here = std::exchange(removed[table.index()], 0);
            if (auto counted = card.count_removed(table, here); !counted) return counted.error();
        }
        return Ok{};
    };
    auto walked = walk(*home, {}, visit);
    home->remove_if_empty();
    if (!walked) return walked.error();
    return all;
}

}  // namespace edgefw::kernel
