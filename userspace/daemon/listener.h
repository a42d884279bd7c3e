// SPDX-License-Identifier: GPL-2.0-only
// The sockets of `edgefw serve`. No client can keep the others out: one thread holds all connections and waits for none
// of them, each has a time for its request and one for taking the answer, and where there are too many the oldest goes
// of the address that has most.
#pragma once

#include <poll.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "userspace/base/fd.h"
#include "userspace/base/result.h"
#include "userspace/daemon/http.h"

namespace edgefw::daemon {

struct ListenAddress {
    std::string host;
    std::uint16_t port = 0;  // 0: any free one
};

// A path and who answers it: in a thread of its own, so that a slow one holds up no other.
struct Page {
    std::string path;
    std::function<HttpAnswer()> answer;
    std::string parameter = {};  // for requests whose query has it alone; empty: for all. The first page that fits
};

class Listener {
public:
    struct Bounds {
        std::size_t connections = 128;
        std::chrono::milliseconds request{5000};  // from the connection to the end of the request's head
        std::chrono::milliseconds answer{10000};  // until the client has taken all of the answer
        std::size_t bodies = 8;  // different ones that clients are in the middle of; for a further one the oldest goes
    };

    Listener(std::vector<Page> pages, Bounds bounds) : pages_(std::move(pages)), bounds_(bounds) {}
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener();

    // Binds, and returns the port. Nobody is answered yet.
    Result<int> bind(const ListenAddress& address);
    // Begins to answer, in threads of its own.
    Result<Ok> start();

private:
    using Clock = std::chrono::steady_clock;

    // Who waits for a page gets what was asked of the host after the request came: all that wait, the same answer.
    struct Desk {
        std::function<HttpAnswer()> answer;
        std::vector<std::uint64_t> waiting;
        std::condition_variable woken;
        std::thread thread;
    };
    struct Done {
        std::vector<std::uint64_t> connections;
        HttpAnswer answer;
    };
    enum class State { kReading, kWaiting, kWriting, kEnding };
    struct Connection {
        std::uint64_t number = 0;
        Fd socket;
        std::string peer;  // its address, without the port
        State state = State::kReading;
        Clock::time_point deadline;
        std::string head;
        HttpRequest request;
        std::string wire;  // what is being written of the answer
        std::size_t written = 0;
        std::shared_ptr<const Body> body;  // what follows; absent: nothing does
        Body::Place place;
        std::uint64_t answered = 0;  // number of the answer that the body is of
    };

    void run();
    void work(Desk& desk);
    int wait_for_events(std::vector<pollfd>& events, Clock::time_point now);
    void take_answers(Clock::time_point now);
    void accept_all(Clock::time_point now);
    void make_room();
    bool go_on(Connection& connection, Clock::time_point now);  // false: it has ended
    bool read_head(Connection& connection, Clock::time_point now);
    bool write_answer(Connection& connection, Clock::time_point now);
    void refuse(Connection& connection, int status, Clock::time_point now);
    void begin_answer(Connection& connection, const HttpAnswer& answer, Clock::time_point now);
    void drop_oldest_bodies(Clock::time_point now);

    std::vector<Page> pages_;
    Bounds bounds_;
    Fd socket_;
    Fd woken_;  // an eventfd: an answer is there, or the end
    std::thread thread_;
    std::list<Connection> connections_;  // the oldest first
    std::uint64_t last_ = 0;             // number of the newest
    std::uint64_t answers_ = 0;          // number of the newest answer
    std::mutex mutex_;                   // guards what is below
    std::list<Desk> desks_;
    std::vector<Done> done_;
    bool ending_ = false;
};

}  // namespace edgefw::daemon
