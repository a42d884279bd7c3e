// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/ethtool.h"

#include <net/if.h>
// net/if.h before the kernel's: linux/if.h then leaves out what both define.
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "userspace/base/fd.h"

namespace edgefw::kernel {
namespace {

// A request of `Header` that ends in `count` elements of `size` bytes.
template <typename Header>
std::vector<std::uint64_t> with_tail(const Header& header, std::size_t count, std::size_t size) {
    std::vector<std::uint64_t> request((sizeof(Header) + count * size + 7) / 8);
    std::memcpy(request.data(), &header, sizeof(header));
    return request;
}

std::uint32_t feature_count(const std::string& name) {
    ethtool_sset_info sets = {};
    sets.cmd = ETHTOOL_GSSET_INFO;
    sets.sset_mask = std::uint64_t{1} << ETH_SS_FEATURES;
    std::vector<std::uint64_t> request = with_tail(sets, 1, sizeof(std::uint32_t));
    if (!ethtool(name, request.data())) return 0;
    std::uint32_t count = 0;
    std::memcpy(&count, reinterpret_cast<const char*>(request.data()) + sizeof(sets), sizeof(count));
    return count;
}

// The names of the card's features, by the kernel's number. Empty: the kernel does not tell them.
std::vector<std::string> feature_names(const std::string& name) {
    const std::uint32_t count = feature_count(name);
    if (count == 0) return {};
    ethtool_gstrings header = {};
    header.cmd = ETHTOOL_GSTRINGS;
    header.string_set = ETH_SS_FEATURES;
    header.len = count;
    std::vector<std::uint64_t> request = with_tail(header, count, ETH_GSTRING_LEN);
    if (!ethtool(name, request.data())) return {};
    const char* texts = reinterpret_cast<const char*>(request.data()) + sizeof(header);
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < count; ++i) {
        const char* text = texts + std::size_t{i} * ETH_GSTRING_LEN;
        names.emplace_back(text, strnlen(text, ETH_GSTRING_LEN));
    }
    return names;
}

std::uint32_t blocks_of(const std::vector<std::string>& names) {
    return static_cast<std::uint32_t>((names.size() + 31) / 32);
}

}  // namespace

bool ethtool(const std::string& name, void* request) {
    const Fd socket = Fd::own(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq interface = {};
    std::strncpy(interface.ifr_name, name.c_str(), IFNAMSIZ - 1);
    interface.ifr_data = static_cast<char*>(request);
    return socket.valid() && ioctl(socket.get(), SIOCETHTOOL, &interface) == 0;
}

std::string driver_of(const std::string& name) {
    ethtool_drvinfo driver = {};
    driver.cmd = ETHTOOL_GDRVINFO;
    if (!ethtool(name, &driver)) return "";
    return {driver.driver, strnlen(driver.driver, sizeof(driver.driver))};
}

std::uint32_t receive_queues_of(const std::string& name) {
    ethtool_channels channels = {};
    channels.cmd = ETHTOOL_GCHANNELS;
    if (!ethtool(name, &channels)) return 0;
    return channels.combined_count + channels.rx_count;
}

Offloads offloads_of(const std::string& name) {
    Offloads offloads;
    const std::vector<std::string> names = feature_names(name);
    ethtool_gfeatures wanted = {};
    wanted.cmd = ETHTOOL_GFEATURES;
    wanted.size = blocks_of(names);
    std::vector<std::uint64_t> features = with_tail(wanted, wanted.size, sizeof(ethtool_get_features_block));
    if (names.empty() || !ethtool(name, features.data())) return offloads;
    const char* states = reinterpret_cast<const char*>(features.data()) + sizeof(wanted);
    for (std::size_t i = 0; i < names.size(); ++i) {
        ethtool_get_features_block block = {};
        std::memcpy(&block, states + i / 32 * sizeof(block), sizeof(block));
        const std::uint32_t bit = 1u << i % 32;
        if ((block.active & bit) == 0) continue;
        offloads.on.insert(names[i]);
        if ((block.available & bit) != 0 && (block.never_changed & bit) == 0) offloads.changeable.insert(names[i]);
    }
    return offloads;
}

bool switch_on(const std::string& name, const std::string& offload) {
    const std::vector<std::string> names = feature_names(name);
    const auto found = std::find(names.begin(), names.end(), offload);
    if (found == names.end()) return false;
    const auto number = static_cast<std::size_t>(found - names.begin());
    ethtool_sfeatures header = {};
    header.cmd = ETHTOOL_SFEATURES;
    header.size = blocks_of(names);
    std::vector<std::uint64_t> request = with_tail(header, header.size, sizeof(ethtool_set_features_block));
    ethtool_set_features_block block = {};
    block.valid = block.requested = 1u << number % 32;
    std::memcpy(reinterpret_cast<char*>(request.data()) + sizeof(header) + number / 32 * sizeof(block), &block,
                sizeof(block));
    return ethtool(name, request.data());
}

}  // namespace edgefw::kernel
