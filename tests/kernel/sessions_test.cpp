// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/sessions.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>

#include "userspace/base/fd.h"
#include "userspace/kernel/route.h"

namespace edgefw::kernel {
namespace {

Address address(const char* text) {
    return *Address::parse(text);
}

TEST(Sessions, SocketsAreReadFromProc) {
    const auto sockets = parse_tcp_sockets(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0 100 0\n"
        "   1: 140200C0:0016 096433C6:C3CA 01 00000000:00000000 02:000A7214 00000000     0        0 78 2 0 20 4\n"
        "   2: 140200C0:0016 096433C6:C3CB 06 00000000:00000000 03:00001742 00000000     0        0 0 3 0\n"
        "   3: 0000000000000000FFFF0000140200C0:0016 0000000000000000FFFF0000096433C6:C3CC 01 0:0 0:0 0 0 0 79 1\n"
        "   4: B80D0120000000000000000001000000:0016 B80D0120000000000000000002000000:0400 01 0:0 0:0 0 0 0 80 1\n"
        "   5: 140200C0 096433C6:C3CB 01 0:0 0:0 0 0 0 81 1\n"
        "   6: 14C0:0016 096433C6:C3CB 01 0:0 0:0 0 0 0 82 1\n"
        "   7: 140200C0:0016\n");
    ASSERT_EQ(sockets.size(), 4u);
    EXPECT_TRUE(sockets[0].listens);
    EXPECT_EQ(sockets[0].inode, 77u);
    EXPECT_FALSE(sockets[1].listens);
    EXPECT_EQ(sockets[1].ends.to_text(), "198.51.100.9:50122 > 192.0.2.20:22");
    EXPECT_EQ(sockets[2].ends.to_text(), "198.51.100.9:50124 > 192.0.2.20:22");  // IPv4 in a socket of IPv6
    EXPECT_EQ(sockets[3].ends.to_text(), "[2001:db8::2]:1024 > [2001:db8::1]:22");
}

TEST(Sessions, TheVariableIsRead) {
    const auto ends = parse_ssh_connection("198.51.100.9 50122 192.0.2.20 22");
    ASSERT_TRUE(ends);
    EXPECT_EQ(ends->to_text(), "198.51.100.9:50122 > 192.0.2.20:22");
    EXPECT_EQ(parse_ssh_connection("::ffff:198.51.100.9 50122 ::ffff:192.0.2.20 22"), ends);
    EXPECT_EQ(parse_ssh_connection("fe80::9%eth0 1024 fe80::1%eth0 22")->to_text(), "[fe80::9]:1024 > [fe80::1]:22");
    for (const char* text : {"", "UNKNOWN 65535 UNKNOWN 65535", "198.51.100.9 50122 192.0.2.20", "1 2 3 4",
                             "198.51.100.9 99999 192.0.2.20 22"})
        EXPECT_FALSE(parse_ssh_connection(text)) << text;
}

// A connection of this process to itself, and what the kernel says of it.
TEST(Sessions, OnesOwnIsTheOneOfTheVariable) {
    const Fd server = Fd::own(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(to);
    ASSERT_EQ(bind(server.get(), reinterpret_cast<sockaddr*>(&to), size), 0);
    ASSERT_EQ(listen(server.get(), 1), 0);
    ASSERT_EQ(getsockname(server.get(), reinterpret_cast<sockaddr*>(&to), &size), 0);
    const Fd client = Fd::own(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&to), size), 0);
    const Fd accepted = Fd::own(accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
    sockaddr_in from = {};
    ASSERT_EQ(getsockname(client.get(), reinterpret_cast<sockaddr*>(&from), &size), 0);
    const auto text = [&](int port) {
        return "127.0.0.1 " + std::to_string(port) + " 127.0.0.1 " + std::to_string(ntohs(to.sin_port));
    };
    const auto is_own = [](const Session& session) { return session.own; };
    setenv("SSH_CONNECTION", text(ntohs(from.sin_port)).c_str(), 1);
    auto found = sessions(SessionLook::kSshd);
    ASSERT_FALSE(found.empty());
    EXPECT_TRUE(found[0].own);
    EXPECT_TRUE(found[0].accepted);
    EXPECT_EQ(found[0].ends.remote_port, ntohs(from.sin_port));
    // One that is over by now, as in a terminal that was left open.
    setenv("SSH_CONNECTION", text(1).c_str(), 1);
    found = sessions(SessionLook::kSshd);
    EXPECT_TRUE(std::none_of(found.begin(), found.end(), is_own));
    unsetenv("SSH_CONNECTION");
}

TEST(Sessions, TheWayIsTheKernels) {
    EXPECT_EQ(route_card(address("127.0.0.1"), address("127.0.0.1")), 1);
    EXPECT_EQ(route_card(address("192.0.2.99"), address("198.51.100.1")), 0);  // no address of this host
}

}  // namespace
}  // namespace edgefw::kernel
