// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>

namespace edgefw::daemon {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr int kBacklog = 1024;
// For a client to read the end of its answer and close: a socket that is closed with bytes unread resets, and the reset
// may overtake the answer.
constexpr milliseconds kFarewell{1000};
constexpr int kPageMissing = 404;
constexpr int kHeadTooLong = 431;

Error cannot_listen(const ListenAddress& address, const std::string& reason) {
    return failed("cannot listen on " + address.host + " port " + std::to_string(address.port) + ": " + reason +
                  "; choose another with --listen ADDR:PORT");
}

std::string reason_of(int error) {
    return std::string(std::strerror(error)) + (error == EADDRINUSE ? " (is another edgefw serve running?)" : "");
}

// SO_REUSEADDR, and never SO_REUSEPORT: a second serve must not take half of the scrapes in silence.
Fd open_socket(const addrinfo& where) {
    Fd fd = Fd::own(socket(where.ai_family, where.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, where.ai_protocol));
    const int on = 1;
    const int off = 0;
    if (!fd.valid()) return fd;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (where.ai_family == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd.get(), where.ai_addr, where.ai_addrlen) != 0 || listen(fd.get(), kBacklog) != 0) {
        const int error = errno;
        fd.reset();
        errno = error;
    }
    return fd;
}

int port_of(int socket) {
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    getsockname(socket, reinterpret_cast<sockaddr*>(&own), &length);
    return ntohs(own.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(own).sin6_port
                                           : reinterpret_cast<const sockaddr_in&>(own).sin_port);
}

std::string address_of(const sockaddr_storage& peer) {
    if (peer.ss_family == AF_INET6) {
        const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(peer);
        return {reinterpret_cast<const char*>(&ipv6.sin6_addr), sizeof ipv6.sin6_addr};
    }
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(peer);
    return {reinterpret_cast<const char*>(&ipv4.sin_addr), sizeof ipv4.sin_addr};
}

void wake(int eventfd) {
    const std::uint64_t one = 1;
    if (write(eventfd, &one, sizeof one) < 0) return;  // full: it is awake
}

}  // namespace

Result<int> Listener::bind(const ListenAddress& address) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    const int status = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
    if (status != 0) return cannot_listen(address, "no such address");
    for (const addrinfo* where = found; where != nullptr && !socket_.valid(); where = where->ai_next)
        socket_ = open_socket(*where);
    const int error = errno;
    freeaddrinfo(found);
    if (!socket_.valid()) return cannot_listen(address, reason_of(error));
    return port_of(socket_.get());
}

Result<Ok> Listener::start() {
    woken_ = Fd::own(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!woken_.valid()) return failed(std::string("cannot wait for answers: ") + std::strerror(errno));
    for (const Page& page : pages_) {
        Desk& desk = desks_.emplace_back();
        desk.answer = page.answer;
        desk.thread = std::thread([this, &desk] { work(desk); });
    }
    thread_ = std::thread([this] { run(); });
    return Ok{};
}

Listener::~Listener() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    if (woken_.valid()) wake(woken_.get());
    for (Desk& desk : desks_) {
        desk.woken.notify_all();
        if (desk.thread.joinable()) desk.thread.join();
    }
    if (thread_.joinable()) thread_.join();
}

void Listener::work(Desk& desk) {
    std::unique_lock lock(mutex_);
    while (true) {
        desk.woken.wait(lock, [&] { return ending_ || !desk.waiting.empty(); });
        if (ending_) return;
        Done done;
        done.connections.swap(desk.waiting);
        lock.unlock();
        done.answer = desk.answer();
        lock.lock();
        done_.push_back(std::move(done));
        wake(woken_.get());
    }
}

void Listener::run() {
    std::vector<pollfd> events;
    while (true) {
        const int count = wait_for_events(events, Clock::now());
        const Clock::time_point now = Clock::now();
        // Before the question whether to end: it takes what has woken us, and that may have been who ends us.
        if (count > 0) take_answers(now);
        {
            const std::lock_guard lock(mutex_);
            if (ending_) return;
        }
        std::size_t i = 2;
        for (auto connection = connections_.begin(); connection != connections_.end(); ++i) {
            const bool ready = count > 0 && events[i].revents != 0;
            const bool lives =
                ready ? go_on(*connection, now) : connection->state == State::kWaiting || now < connection->deadline;
            connection = lives ? std::next(connection) : connections_.erase(connection);
        }
        if (count > 0 && events[0].revents != 0) accept_all(now);
    }
}

// The listening socket, the eventfd, then the connections in their order.
int Listener::wait_for_events(std::vector<pollfd>& events, Clock::time_point now) {
    events.assign({{socket_.get(), POLLIN, 0}, {woken_.get(), POLLIN, 0}});
    Clock::time_point first = Clock::time_point::max();
    for (const Connection& connection : connections_) {
        const bool waits = connection.state == State::kWaiting;
        const short what = connection.state == State::kWriting ? POLLOUT : POLLIN;
        // A negative descriptor is left out: who waits is told nothing, and has no deadline.
        events.push_back({waits ? -1 : connection.socket.get(), what, 0});
        if (!waits) first = std::min(first, connection.deadline);
    }
    if (first == Clock::time_point::max()) return poll(events.data(), events.size(), -1);
    const auto left = std::chrono::ceil<milliseconds>(first - now);
    return poll(events.data(), events.size(), static_cast<int>(std::max<std::int64_t>(0, left.count())));
}

void Listener::take_answers(Clock::time_point now) {
    std::uint64_t ignored = 0;
    if (read(woken_.get(), &ignored, sizeof ignored) < 0) return;
    std::vector<Done> done;
    {
        const std::lock_guard lock(mutex_);
        done.swap(done_);
    }
    for (const Done& answered : done) {
        ++answers_;
        for (Connection& connection : connections_) {
            const bool is_meant = std::find(answered.connections.begin(), answered.connections.end(),
                                            connection.number) != answered.connections.end();
            if (is_meant) begin_answer(connection, answered.answer, now);
        }
    }
    drop_oldest_bodies(now);
}

// Whoever asks for a long page and takes it slowly keeps what was read for it in memory.
void Listener::drop_oldest_bodies(Clock::time_point now) {
    std::set<std::uint64_t> answers;
    for (const Connection& connection : connections_) {
        if (connection.body != nullptr) answers.insert(connection.answered);
    }
    while (answers.size() > bounds_.bodies) {
        const std::uint64_t oldest = answers.extract(answers.begin()).value();
        for (Connection& connection : connections_) {
            // Its next turn ends it.
            if (connection.body != nullptr && connection.answered == oldest) {
                connection.body.reset();
                connection.deadline = now;
            }
        }
    }
}

void Listener::accept_all(Clock::time_point now) {
    // As many as there is room for at once: the others must get their turn.
    for (std::size_t i = 0; i < bounds_.connections; ++i) {
        sockaddr_storage peer{};
        socklen_t length = sizeof peer;
        Fd socket =
            Fd::own(accept4(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &length, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!socket.valid()) {
            // Without a descriptor left the one that waits would wake us for ever.
            if (errno == EMFILE || errno == ENFILE) make_room();
            return;
        }
        if (connections_.size() >= bounds_.connections) make_room();
        Connection connection;
        connection.number = ++last_;
        connection.socket = std::move(socket);
        connection.peer = address_of(peer);
        connection.deadline = now + bounds_.request;
        connections_.push_back(std::move(connection));
    }
}

// Closes one connection of the address that has most of them: the oldest that does not wait for an answer, or if all
// wait, the oldest.
void Listener::make_room() {
    std::map<std::string, std::size_t> counts;
    for (const Connection& connection : connections_)
        ++counts[connection.peer];
    const auto rank = [&](const Connection& connection) {
        return std::pair{counts[connection.peer], connection.state != State::kWaiting};
    };
    const auto gone = std::max_element(connections_.begin(), connections_.end(),
                                       [&](const Connection& a, const Connection& b) { return rank(a) < rank(b); });
    if (gone != connections_.end()) connections_.erase(gone);
}

bool Listener::go_on(Connection& connection, Clock::time_point now) {
    if (now >= connection.deadline) return false;
    if (connection.state == State::kReading) return read_head(connection, now);
    if (connection.state == State::kWriting) return write_answer(connection, now);
    char ignored[4096];
    const ssize_t count = recv(connection.socket.get(), ignored, sizeof ignored, 0);
    return count > 0 || (count < 0 && errno == EAGAIN);
}

bool Listener::read_head(Connection& connection, Clock::time_point now) {
    char bytes[4096];
    const ssize_t count = recv(connection.socket.get(), bytes, sizeof bytes, 0);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    connection.head.append(bytes, static_cast<std::size_t>(count));
    const std::optional<std::size_t> length = head_length(connection.head);
    if (length.value_or(connection.head.size()) > kLongestHead) {
        refuse(connection, kHeadTooLong, now);
        return true;
    }
    if (!length) return true;
    connection.request = parse_head(connection.head);
    connection.head.clear();
    if (connection.request.refusal != 0) {
        refuse(connection, connection.request.refusal, now);
        return true;
    }
    const std::lock_guard lock(mutex_);
    auto desk = desks_.begin();
    for (const Page& page : pages_) {
        const bool is_asked = page.parameter.empty() || has_parameter(connection.request.query, page.parameter);
        if (page.path == connection.request.path && is_asked) {
            connection.state = State::kWaiting;
            desk->waiting.push_back(connection.number);
            desk->woken.notify_one();
            return true;
        }
        ++desk;
    }
    refuse(connection, kPageMissing, now);
    return true;
}

void Listener::refuse(Connection& connection, int status, Clock::time_point now) {
    begin_answer(connection, refusal(status), now);
}

void Listener::begin_answer(Connection& connection, const HttpAnswer& answer, Clock::time_point now) {
    connection.wire = to_wire(answer, connection.request);
    if (!connection.request.without_body) connection.body = answer.body;
    connection.answered = answers_;
    connection.state = State::kWriting;
    connection.deadline = now + bounds_.answer;
}

// A piece a turn at most: the others must get theirs.
bool Listener::write_answer(Connection& connection, Clock::time_point now) {
    while (connection.written < connection.wire.size()) {
        const ssize_t count = send(connection.socket.get(), connection.wire.data() + connection.written,
                                   connection.wire.size() - connection.written, MSG_NOSIGNAL);
        if (count < 0) return errno == EAGAIN || errno == EINTR;
        connection.written += static_cast<std::size_t>(count);
    }
    connection.written = 0;
    if (connection.body != nullptr) {
        std::string piece = connection.body->read(connection.place);
        if (piece.empty()) connection.body.reset();
        connection.wire = to_wire(std::move(piece), connection.request);
        return true;
    }
    shutdown(connection.socket.get(), SHUT_WR);
    connection.wire = std::string();
    connection.state = State::kEnding;
    connection.deadline = now + kFarewell;
    return true;
}

}  // namespace edgefw::daemon
