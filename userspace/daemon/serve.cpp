// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/serve.h"

#include <poll.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <ctime>
#include <mutex>
#include <thread>

#include "userspace/base/fd.h"
#include "userspace/daemon/exporter.h"

namespace edgefw::daemon {
namespace {

using std::chrono::milliseconds;

constexpr const char* kTextFormat = "text/plain; version=0.0.4; charset=utf-8";
constexpr const char* kPlain = "text/plain; charset=utf-8";
constexpr milliseconds kForever{-1};

// Delivers SIGTERM, SIGINT and SIGHUP as events instead of interruptions; undone at the end of its life.
class Signals {
public:
    Signals() {
        sigset_t set;
        sigemptyset(&set);
        for (const int signal : {SIGTERM, SIGINT, SIGHUP})
            sigaddset(&set, signal);
        pthread_sigmask(SIG_BLOCK, &set, &before_);
        fd_ = Fd::own(signalfd(-1, &set, SFD_CLOEXEC));
    }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    bool valid() const { return fd_.valid(); }
    // The next signal, or nothing within `timeout`.
    std::optional<int> wait(milliseconds timeout) const {
        pollfd event{fd_.get(), POLLIN, 0};
        if (poll(&event, 1, static_cast<int>(timeout.count())) <= 0) return std::nullopt;
        signalfd_siginfo info{};
        if (read(fd_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
        return static_cast<int>(info.ssi_signo);
    }

private:
    Fd fd_;
    sigset_t before_{};
};

HttpAnswer metrics_page(Exporter& exporter, Exported exported) {
    return {200, kTextFormat, "", exporter.metrics(exported)};
}

HttpAnswer health_page(Exporter& exporter) {
    const Result<Ok> health = exporter.health();
    if (health) return {200, kPlain, "ok\n"};
    return {503, kPlain, health.error().message + "\n"};
}

// Keeps the hosts in force true, in a thread of its own: a question may wait for seconds.
class HostKeeper {
public:
    HostKeeper(Service& service, Exporter& exporter, spdlog::logger& log) : stop_asking_(service.stop_asking) {
        if (!service.refresh) return;
        thread_ = std::thread([this, &refresh = *service.refresh, &exporter, &log] { run(refresh, exporter, log); });
    }
    HostKeeper(const HostKeeper&) = delete;
    HostKeeper& operator=(const HostKeeper&) = delete;
    ~HostKeeper() {
        if (!thread_.joinable()) return;
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
        }
        woken_.notify_all();
        if (stop_asking_) stop_asking_();
        thread_.join();
    }

    // Whether only a push can bring new addresses into force; asked once for each time.
    bool wants_push() { return wants_push_.exchange(false); }

private:
    void run(daemon::Refresh& refresh, Exporter& exporter, spdlog::logger& log) {
        std::unique_lock lock(mutex_);
        while (!ending_) {
            lock.unlock();
            const milliseconds pause = refresh.look(
                daemon::Refresh::Clock::now(), std::time(nullptr), [this] { wants_push_ = true; }, log);
            exporter.set_hosts(refresh.hosts());
            lock.lock();
            woken_.wait_for(lock, pause, [this] { return ending_; });
        }
    }

    std::function<void()> stop_asking_;
    std::mutex mutex_;
    std::condition_variable woken_;
    bool ending_ = false;
    std::atomic<bool> wants_push_ = false;
    std::thread thread_;
};

// Writes what cards drop, in a thread of its own: a disk may be slow.
class DropWriter {
public:
    DropWriter(std::optional<DropLog>& drops, spdlog::logger& log) {
        if (!drops) return;
        thread_ = std::thread([this, &drops = *drops, &log] { run(drops, log); });
    }
    DropWriter(const DropWriter&) = delete;
    DropWriter& operator=(const DropWriter&) = delete;
    ~DropWriter() {
        if (!thread_.joinable()) return;
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
        }
        woken_.notify_all();
        thread_.join();
    }

private:
    void run(DropLog& drops, spdlog::logger& log) {
        constexpr milliseconds kPause{1000};
        std::unique_lock lock(mutex_);
        while (!ending_) {
            lock.unlock();
            using std::chrono::steady_clock;
            const auto now = std::chrono::duration_cast<milliseconds>(steady_clock::now().time_since_epoch());
            drops.look(static_cast<std::uint64_t>(now.count()), log);
            lock.lock();
            woken_.wait_for(lock, kPause, [this] { return ending_; });
        }
    }

    std::mutex mutex_;
    std::condition_variable woken_;
    bool ending_ = false;
    std::thread thread_;
};

// The hooks and the policy, until a signal ends it.
void keep_cards(Service& service, HostKeeper& hosts, const Signals& signals, Exporter& exporter, spdlog::logger& log) {
    std::optional<PolicyWatch>& watch = service.watch;
    while (true) {
        milliseconds pause = kForever;
        if (service.hooks) pause = service.hooks->look(HookWatch::Clock::now(), log);
        if (watch) {
            if (hosts.wants_push()) {
                if (service.ask_first) service.ask_first();
                watch->push_again();
            }
            const milliseconds until_next = watch->look(PolicyWatch::Clock::now(), log);
            pause = pause == kForever ? until_next : std::min(pause, until_next);
            exporter.set_pushes(watch->results());
        }
        const std::optional<int> signal = signals.wait(pause);
        if (signal == SIGTERM || signal == SIGINT) return;
        if (signal == SIGHUP && watch) watch->push_again();
    }
}

}  // namespace

Result<ListenAddress> parse_listen_address(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    std::string host = text.substr(0, colon);
    const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    const bool whole = error == std::errc() && end == port.data() + port.size();
    if (!whole || (!bracketed && host.find(':') != std::string::npos)) {
        return Error{ErrorKind::kUsage,
                     "--listen " + text + " is not ADDR:PORT: write 127.0.0.1:9477, [::1]:9477 or :9477"};
    }
    return ListenAddress{host.empty() ? "0.0.0.0" : host, number};
}

Result<Ok> serve(Service service, spdlog::logger& log) {
    const Signals signals;
    if (!signals.valid()) return failed(std::string("cannot wait for signals: ") + std::strerror(errno));
    Exporter exporter(service.machine, service.version, log);
    if (service.watch) exporter.set_pushes(service.watch->results());
    Listener listener({{"/metrics", [&exporter] { return metrics_page(exporter, Exported::kCounted); }, "nonzero"},
                       {"/metrics", [&exporter] { return metrics_page(exporter, Exported::kAll); }},
                       {"/healthz", [&exporter] { return health_page(exporter); }}},
                      service.bounds);
    const Result<int> port = listener.bind(service.address);
    if (!port) return port.error();
    if (service.give_up_rights) {
        if (auto given_up = service.give_up_rights(); !given_up) return given_up;
    }
    if (auto started = listener.start(); !started) return started;
    log.info("listening on {} port {}: /metrics, /healthz", service.address.host, *port);
    HostKeeper hosts(service, exporter, log);
    const DropWriter writer(service.drops, log);
    keep_cards(service, hosts, signals, exporter, log);
    log.info("ending");
    return Ok{};
}

}  // namespace edgefw::daemon
