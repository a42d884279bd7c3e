// SPDX-License-Identifier: GPL-2.0-only
// A network of the test's own: a host with one card, eth0, and at the other end of its wire a peer. Both are network
// namespaces without a name, and the host has a bpffs of its own: when the test's process ends, however it ends, the
// kernel removes all of it. While a Lab lives, the test runs in the host.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "tests/support/frame.h"
#include "userspace/base/fd.h"

namespace edgefw::test {

// Raw frames on one card, as they are on the wire.
class FrameSocket {
public:
    // Opens a socket on a card of the namespace that this thread is in.
    explicit FrameSocket(const std::string& interface);

    // With a `gso_size` the kernel is left to cut the TCP segment in the frame into pieces of that many bytes of
    // payload.
    void send(const Bytes& frame, std::uint16_t gso_size = 0);
    // The next frame that arrives, not one that is sent; none within the time.
    std::optional<Bytes> receive(std::chrono::milliseconds wait = std::chrono::milliseconds(500));

private:
    Fd socket_;
};

class Lab {
public:
    Lab();
    Lab(const Lab&) = delete;
    Lab& operator=(const Lab&) = delete;
    ~Lab();

    // Runs what is given in the peer's namespace.
    template <typename Work>
    auto in_peer(const Work& work) {
        enter(peer_);
        auto result = work();
        enter(host_);
        return result;
    }
    // `ip ARGUMENTS`, `ethtool ARGUMENTS` in the host; in_peer() for the peer.
    static void run(const std::string& command);

    // Another pair of cards: NAME in the host, its other end peer-NAME in the peer. Both up, without addresses.
    void add_card(const std::string& name);

private:
    static void enter(const Fd& network);
    // What edgefw remembers of a namespace lies in the machine's /run.
    static void remove_memory(const Fd& network);

    Fd outside_network_;
    Fd outside_mounts_;
    Fd host_;
    Fd peer_;
};

}  // namespace edgefw::test
