// SPDX-License-Identifier: GPL-2.0-only
#include "bench/ruleset.h"

#include <netinet/in.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace edgefw::bench {

namespace {

constexpr Shape kShapes[] = {
    {"acl1", {0.01, 24, 32, 0.2, 0.9}, {0.02, 20, 32, 0.3, 0.5}, {0.40, 0.45, 0.05}, {1, 0, 0}, 0.6, 0.2},
    {"acl2", {0.15, 16, 32, 0.5, 0.4}, {0.25, 12, 32, 0.5, 0.4}, {0.30, 0.40, 0.10}, {0.95, 0.03, 0.02}, 0.75, 0.2},
    {"acl3", {0.05, 16, 32, 0.4, 0.5}, {0.20, 14, 32, 0.4, 0.3}, {0.25, 0.45, 0.10}, {0.9, 0.1, 0}, 0.8, 0.15},
    {"acl4", {0.04, 16, 32, 0.4, 0.4}, {0.25, 14, 32, 0.4, 0.3}, {0.25, 0.45, 0.10}, {0.9, 0.1, 0}, 0.75, 0.2},
    {"acl5", {0.00, 22, 32, 0.1, 0.05}, {0.01, 24, 32, 0.1, 0.03}, {0.35, 0.35, 0.1}, {1, 0, 0}, 0.9, 0.1},
    {"fw1", {0.25, 16, 32, 0.3, 0.3}, {0.45, 16, 32, 0.3, 0.3}, {0.2, 0.6, 0.15}, {0.6, 0.15, 0.15}, 0.65, 0.2},
    {"fw2", {0.02, 20, 32, 0.3, 0.4}, {0.7, 16, 32, 0.3, 0.4}, {0.3, 0.5, 0.1}, {0.5, 0.1, 0.35}, 0.6, 0.25},
    {"fw3", {0.15, 18, 32, 0.3, 0.3}, {0.6, 16, 32, 0.3, 0.3}, {0.15, 0.7, 0.1}, {0.7, 0.1, 0.2}, 0.7, 0.2},
    {"fw4", {0.4, 16, 32, 0.4, 0.3}, {0.4, 16, 32, 0.4, 0.3}, {0.15, 0.5, 0.15}, {0.35, 0.4, 0.15}, 0.7, 0.2},
    {"fw5", {0.15, 18, 32, 0.3, 0.3}, {0.5, 16, 32, 0.3, 0.3}, {0.15, 0.7, 0.1}, {0.7, 0.1, 0.2}, 0.75, 0.2},
    {"ipc1", {0.1, 12, 32, 0.7, 0.4}, {0.12, 12, 32, 0.7, 0.4}, {0.45, 0.4, 0.08}, {0.7, 0.15, 0.1}, 0.5, 0.25},
    {"ipc2", {0.45, 16, 32, 0.5, 0.5}, {0.5, 16, 32, 0.5, 0.5}, {1, 0, 0}, {1, 0, 0}, 0.2, 0.2},
};

constexpr std::uint16_t kServices[] = {80,   443,  53,   25,   22,  21,   123, 161, 110, 143,
                                       1433, 3306, 5060, 8080, 135, 139,  445, 389, 636, 993,
                                       995,  514,  3389, 5432, 69,  1521, 179, 88,  464, 1720};
constexpr unsigned kFields[kTuple] = {EDGEFW_FIELD_LOCAL, EDGEFW_FIELD_REMOTE, EDGEFW_FIELD_LOCAL_PORT,
                                      EDGEFW_FIELD_REMOTE_PORT, EDGEFW_FIELD_PROTOCOL};
constexpr image::Interval kAnyPort = {0, 65535};
constexpr int kBlocks = 24;  // of addresses, in which the networks of a set lie
constexpr int kTries = 40;   // filters drawn for each that is wanted: small shapes repeat themselves

// splitmix64 (Steele, Lea and Flood 2014).
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15u;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    std::uint32_t bits() { return static_cast<std::uint32_t>(next()); }
    std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>((next() >> 32) * bound >> 32); }
    double share() { return static_cast<double>(next() >> 11) * 0x1p-53; }
    bool chance(double probability) { return share() < probability; }

private:
    std::uint64_t state_;
};

std::uint32_t mask_of(unsigned length) {
    return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
}

// The networks of one end.
class Networks {
public:
    Networks(const AddressShape& shape, Random& random) : shape_(shape), random_(random) {
        for (int i = 0; i < kBlocks; ++i)
            blocks_.push_back(random_.bits() & 0xfff00000u);
    }

    image::Interval draw() {
        if (random_.chance(shape_.any)) return {0, UINT32_MAX};
        if (networks_.empty() || random_.chance(shape_.fresh))
            networks_.push_back(fresh());
        else
            return interval(networks_[random_.below(size())]);
        return interval(networks_.back());
    }

private:
    struct Network {
        std::uint32_t address;
        unsigned length;
    };

    static image::Interval interval(const Network& network) {
        return {network.address, network.address | ~mask_of(network.length)};
    }
    std::uint32_t size() const { return static_cast<std::uint32_t>(networks_.size()); }

    Network fresh() {
        if (!networks_.empty() && random_.chance(shape_.nested)) {
            const Network& around = networks_[random_.below(size())];
            const unsigned length = std::min(32u, around.length + 1 + random_.below(8));
            return {(around.address | (random_.bits() & ~mask_of(around.length))) & mask_of(length), length};
        }
        const bool host = random_.chance(0.5);
        const unsigned length = shape_.longest - (host ? 0 : random_.below(shape_.longest - shape_.shortest + 1));
        const std::uint32_t block = blocks_[random_.below(kBlocks)];
        return {(block | (random_.bits() & 0x000fffffu)) & mask_of(length), length};
    }

    const AddressShape& shape_;
    Random& random_;
    std::vector<std::uint32_t> blocks_;
    std::vector<Network> networks_;
};

image::Interval port_of(const PortShape& shape, Random& random) {
    double share = random.share();
    if (share < shape.any) return kAnyPort;
    share -= shape.any;
    if (share < shape.exact) {
        const std::uint32_t port =
            random.chance(0.7) ? kServices[random.below(std::size(kServices))] : random.below(65536);
        return {port, port};
    }
    if (share - shape.exact < shape.high) return {1024, 65535};
    const std::uint32_t first = random.below(60000);
    return {first, first + 1 + random.below(random.chance(0.5) ? 20 : 4000)};
}

Filter filter_of(const Shape& shape, Networks& local, Networks& remote, Random& random) {
    Filter filter = {local.draw(), remote.draw(), kAnyPort, kAnyPort, {IPPROTO_TCP, IPPROTO_TCP}};
    const double share = random.share();
    if (share < shape.tcp + shape.udp) {
        if (share >= shape.tcp) filter[4] = {IPPROTO_UDP, IPPROTO_UDP};
        filter[2] = port_of(shape.local_port, random);
        filter[3] = port_of(shape.remote_port, random);
    } else if (random.chance(0.4)) {
        filter[4] = {0, 255};
    } else {
        const std::uint32_t protocol = random.chance(0.7) ? std::uint32_t{IPPROTO_ICMP} : 47 + random.below(4);
        filter[4] = {protocol, protocol};
    }
    return filter;
}

// Bits that the filter leaves open, with some disorder.
double generality(const Filter& filter, Random& random) {
    double open = 16 * random.share();
    for (std::size_t i = 0; i < 4; ++i)
        open += std::log2(static_cast<double>(filter[i].high - filter[i].low) + 1);
    return open;
}

}  // namespace

std::span<const Shape> shapes() {
    return kShapes;
}

std::vector<Filter> filters_of(const Shape& shape, std::size_t count) {
    Random random(static_cast<std::uint64_t>(&shape - kShapes) + 1);
    Networks local(shape.local, random);
    Networks remote(shape.remote, random);
    std::set<Filter> seen;
    std::vector<std::pair<double, Filter>> ranked;
    for (std::size_t tries = 0; ranked.size() < count && tries < count * kTries; ++tries) {
        const Filter filter = filter_of(shape, local, remote, random);
        if (seen.insert(filter).second) ranked.emplace_back(generality(filter, random), filter);
    }
    std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Filter> filters;
    for (const auto& [rank, filter] : ranked)
        filters.push_back(filter);
    return filters;
}

std::vector<Header> headers_of(const std::vector<Filter>& filters, std::size_t count) {
    Random random(filters.size());
    std::vector<Header> headers;
    for (std::size_t i = 0; i < count; ++i) {
        const Filter& filter = filters[random.below(static_cast<std::uint32_t>(filters.size()))];
        Header header;
        for (std::size_t field = 0; field < kTuple; ++field) {
            const std::uint64_t values = std::uint64_t{filter[field].high} - filter[field].low + 1;
            header[field] = filter[field].low + static_cast<std::uint32_t>((random.next() >> 32) * values >> 32);
        }
        if (header[4] != IPPROTO_TCP && header[4] != IPPROTO_UDP) header[2] = header[3] = 0;
        headers.push_back(header);
    }
    return headers;
}

image::Boxes boxes_of(const std::vector<Filter>& filters) {
    image::Boxes boxes;
    for (std::size_t rule = 0; rule < filters.size(); ++rule) {
        image::Region box = image::everywhere();
        for (std::size_t field = 0; field < kTuple; ++field)
            box[kFields[field]] = filters[rule][field];
        box[EDGEFW_FIELD_OPENS] = {1, 1};
        boxes.add(static_cast<std::uint32_t>(rule), box);
    }
    return boxes;
}

std::size_t first_of(const std::vector<Filter>& filters, const Header& header) {
    const auto holds = [&](const Filter& filter) {
        for (std::size_t field = 0; field < kTuple; ++field)
            if (header[field] < filter[field].low || header[field] > filter[field].high) return false;
        return true;
    };
    return static_cast<std::size_t>(std::find_if(filters.begin(), filters.end(), holds) - filters.begin());
}

}  // namespace edgefw::bench
