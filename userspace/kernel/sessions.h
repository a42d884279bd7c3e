// SPDX-License-Identifier: GPL-2.0-only
// TCP connections by which somebody may be logged in to this machine, and the cards that their packets pass.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "userspace/base/address.h"
#include "userspace/base/result.h"
#include "userspace/policy/policy.h"

namespace edgefw::kernel {

struct TcpEnds {
    Address local, remote;  // IPv4 that a socket of IPv6 has is IPv4
    std::uint16_t local_port = 0, remote_port = 0;

    bool operator==(const TcpEnds&) const = default;
    std::string to_text() const;  // "198.51.100.9:50122 > 192.0.2.20:22": from the other end to this one
};

// A socket of /proc/net/tcp and tcp6.
struct TcpSocket {
    TcpEnds ends;
    bool listens = false;  // else it is established
    std::uint64_t inode = 0;
};

// What `text` of such a file says of established and listening sockets; lines that are none are left out.
std::vector<TcpSocket> parse_tcp_sockets(std::string_view text);

// What SSH_CONNECTION says: "198.51.100.9 50122 192.0.2.20 22".
std::optional<TcpEnds> parse_ssh_connection(std::string_view text);

struct Session {
    TcpEnds ends;
    bool own = false;       // who runs this process is logged in by it
    bool accepted = false;  // somebody listens at its local port, so the other end opened it
};

enum class SessionLook {
    kSshd,  // what processes named sshd have, which takes root with all its rights; and SSH_CONNECTION
    kPort,  // what is connected to port 22, for who may not look into other processes
};

// The sessions of this network namespace, one's own first. Those of SSH_CONNECTION count where there is such a socket.
std::vector<Session> sessions(SessionLook look);

// The card by which packets leave from `ends.local` to `ends.remote`, then those below it: a VLAN's, a bond's or
// bridge's ports. Empty: there is no way.
std::vector<int> cards_towards(const TcpEnds& ends);

// Whether the attached card `interface` has the connection in its tables, and where its opener is seen.
Result<std::optional<edgefw_hook>> opener_of(const std::string& interface, const TcpEnds& ends);

}  // namespace edgefw::kernel
