// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/wait.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>

#include "userspace/base/fd.h"
#include "userspace/kernel/door.h"

namespace edgefw::cli {
namespace {

using Clock = std::chrono::steady_clock;

// SIGINT as something to read, for as long as one lives.
class Interrupt {
public:
    Interrupt() {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        pthread_sigmask(SIG_BLOCK, &set, &before_);
        signals_ = Fd::own(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    }
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;
    ~Interrupt() {
        signalfd_siginfo taken;
        while (read(signals_.get(), &taken, sizeof(taken)) > 0) {
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

    int fd() const { return signals_.get(); }

private:
    sigset_t before_{};
    Fd signals_;
};

// The question, on the terminal alone: it is no result.
void ask(std::uint32_t seconds) {
    std::fprintf(stderr, "\rkeep? [y/N] %u s ", seconds);
    std::fflush(stderr);
}

enum class Answer { kNone, kYes, kNo };

// What was typed: one line. The end of the file is no answer.
Answer read_answer(bool& ended) {
    char text[256];
    const ssize_t size = read(STDIN_FILENO, text, sizeof(text));
    if (size <= 0) {
        ended = size == 0 || errno != EINTR;
        return Answer::kNone;
    }
    return std::tolower(static_cast<unsigned char>(text[0])) == 'y' ? Answer::kYes : Answer::kNo;
}

std::string back_in_force(const kernel::Waiting& push) {
    return "the policy before generation " + std::to_string(push.generation) + " is in force again, as generation " +
           std::to_string(push.fallback);
}

// Nothing: it still waits.
std::optional<Result<Ok>> result_of(kernel::Ending ending, const kernel::Waiting& push) {
    switch (ending) {
        case kernel::Ending::kConfirmed:
            return Ok{};
        case kernel::Ending::kFellBack:
            // What it took for the push is freed; the next push tries again.
            (void)kernel::mend();
            return failed("not confirmed: " + back_in_force(push));
        case kernel::Ending::kReplaced:
            return failed("another push took the place of generation " + std::to_string(push.generation));
        default:
            return std::nullopt;
    }
}

Result<Ok> fall_back(const kernel::Waiting& push) {
    const Result<std::uint32_t> fell = kernel::fall_back();
    // Somebody else, or the deadline, was first.
    if (!fell) {
        const Result<kernel::Ending> ending = kernel::ending_of(push);
        if (!ending) return ending.error();
        if (auto result = result_of(*ending, push)) return *result;
        return fell.error();
    }
    return failed("taken back: " + back_in_force(push));
}

}  // namespace

Result<Ok> wait_for_confirmation(const kernel::Waiting& push) {
    const bool asks = isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0;
    const Interrupt interrupt;
    const Clock::time_point end = Clock::now() + std::chrono::seconds(push.seconds_left);
    bool ended = !asks;
    std::uint32_t shown = 0;
    Result<Ok> result = Ok{};
    for (;;) {
        const Result<kernel::Ending> ending = kernel::ending_of(push);
        if (ending) {
            if (auto is_over = result_of(*ending, push)) {
                result = *is_over;
                break;
            }
        } else if (ending.error().kind != ErrorKind::kFailed) {
            return ending.error();
        }
        const auto left = std::chrono::ceil<std::chrono::seconds>(end - Clock::now()).count();
        const auto seconds = static_cast<std::uint32_t>(std::max<std::int64_t>(left, 0));
        if (asks && !ended && seconds != shown) ask(shown = seconds);
        pollfd watched[] = {{interrupt.fd(), POLLIN, 0}, {ended ? -1 : STDIN_FILENO, POLLIN, 0}};
        poll(watched, 2, 200);
        if ((watched[0].revents & POLLIN) != 0) {
            result = fall_back(push);
            break;
        }
        if ((watched[1].revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
        const Answer answer = read_answer(ended);
        if (answer == Answer::kYes) {
            const Result<std::uint32_t> confirmed = kernel::confirm();
            if (confirmed) break;
            const Result<kernel::Ending> now = kernel::ending_of(push);
            result = now && *now == kernel::Ending::kConfirmed ? Result<Ok>(Ok{}) : confirmed.error();
            break;
        }
        if (answer == Answer::kNo) {
            result = fall_back(push);
            break;
        }
    }
    if (asks) std::fputs("\r\x1b[K", stderr);
    return result;
}

}  // namespace edgefw::cli
