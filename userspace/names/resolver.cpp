// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/names/resolver.h"

#define CARES_NO_DEPRECATED  // ares_getsock: the library there is on Debian 12 has nothing newer
#include <ares.h>
#include <netdb.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>

namespace edgefw::names {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTimeout = 2000;  // ms before the first repetition; the next ones wait longer
constexpr int kTries = 2;

class Library {
public:
    Library() : status_(ares_library_init(ARES_LIB_INIT_ALL)) {}
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library() { ares_library_cleanup(); }
    int status() const { return status_; }

private:
    int status_;
};

}  // namespace

class Resolver::Channel {
public:
    Channel() = default;
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel() {
        if (channel_ != nullptr) ares_destroy(channel_);
    }

    Result<Ok> open(const std::string& server) {
        if (library_.status() != ARES_SUCCESS) return trouble("starting the resolver", library_.status());
        ares_options options{};
        options.timeout = kTimeout;
        options.tries = kTries;
        char dns_alone[] = "b";
        options.lookups = dns_alone;
        int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;
        if (!server.empty()) mask |= ARES_OPT_LOOKUPS;
        if (const int status = ares_init_options(&channel_, &options, mask); status != ARES_SUCCESS) {
            channel_ = nullptr;
            return trouble("starting the resolver", status);
        }
        if (server.empty()) return Ok{};
        if (ares_set_servers_ports_csv(channel_, server.c_str()) != ARES_SUCCESS) {
            return Error{ErrorKind::kUsage, "--resolver " + server +
                                                " is not ADDR[:PORT]: write 192.0.2.53, "
                                                "192.0.2.53:5353 or [2001:db8::53]:53"};
        }
        return Ok{};
    }

    std::vector<Answer> ask(const std::vector<std::string>& names, std::chrono::milliseconds patience) {
        std::vector<Question> questions(names.size());
        ares_addrinfo_hints hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_flags = ARES_AI_NOSORT;
        for (std::size_t i = 0; i < names.size(); ++i) {
            // The dot at the end keeps the system's search list out: the policy names a host in full.
            ares_getaddrinfo(channel_, (names[i] + ".").c_str(), nullptr, &hints, take, &questions[i]);
        }
        wait_for(questions, patience);
        std::vector<Answer> answers;
        for (Question& question : questions)
            answers.push_back(std::move(question.answer));
        return answers;
    }

    std::atomic<bool> stopped = false;

private:
    struct Question {
        Answer answer;
        bool done = false;
    };

    static Error trouble(const std::string& what, int status) { return failed(what + ": " + ares_strerror(status)); }

    static void take(void* argument, int status, int, ares_addrinfo* info) {
        auto& question = *static_cast<Question*>(argument);
        question.done = true;
        question.answer = answer_of(status, info);
        if (info != nullptr) ares_freeaddrinfo(info);
    }

    void wait_for(const std::vector<Question>& questions, std::chrono::milliseconds patience) {
        const Clock::time_point end = Clock::now() + patience;
        const auto all_done = [&] {
            return std::all_of(questions.begin(), questions.end(), [](const Question& q) { return q.done; });
        };
        while (!all_done()) {
            if (stopped || Clock::now() >= end) return ares_cancel(channel_);  // answers every open question
            turn();
        }
    }

    // Waits for the next packet or repetition, and lets c-ares work.
    void turn() {
        constexpr int kLongest = 500;  // ms
        ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
        const int wanted = ares_getsock(channel_, sockets, ARES_GETSOCK_MAXNUM);
        std::vector<pollfd> events;
        for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
            short what = 0;
            if (ARES_GETSOCK_READABLE(wanted, i)) what |= POLLIN;
            if (ARES_GETSOCK_WRITABLE(wanted, i)) what |= POLLOUT;
            if (what != 0) events.push_back({sockets[i], what, 0});
        }
        timeval longest{0, kLongest * 1000};
        timeval own{};
        const timeval* until = ares_timeout(channel_, &longest, &own);
        const int milliseconds = static_cast<int>(until->tv_sec * 1000 + until->tv_usec / 1000) + 1;
        poll(events.data(), events.size(), std::min(milliseconds, kLongest));
        bool any = false;
        for (const pollfd& event : events) {
            const bool readable = (event.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
            const bool writable = (event.revents & POLLOUT) != 0;
            if (!readable && !writable) continue;
            any = true;
            ares_process_fd(channel_, readable ? event.fd : ARES_SOCKET_BAD, writable ? event.fd : ARES_SOCKET_BAD);
        }
        if (!any) ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }

    Library library_;
    ares_channel channel_ = nullptr;
};

Resolver::Resolver(std::unique_ptr<Channel> channel) : channel_(std::move(channel)) {}
Resolver::Resolver(Resolver&&) noexcept = default;
Resolver& Resolver::operator=(Resolver&&) noexcept = default;
Resolver::~Resolver() = default;

Result<Resolver> Resolver::create(const std::string& server) {
    auto channel = std::make_unique<Channel>();
    if (auto opened = channel->open(server); !opened) return opened.error();
    return Resolver(std::move(channel));
}

std::vector<Answer> Resolver::ask(const std::vector<std::string>& names, std::chrono::milliseconds patience) {
    return channel_->ask(names, patience);
}

void Resolver::stop() {
    channel_->stopped = true;
}

}  // namespace edgefw::names
