// SPDX-License-Identifier: GPL-2.0-only
// hooks: a card that has lost one is told of for as long as it should be attached, and what a killed attach or detach
// has left is named and removed.
#include <net/if.h>
// net/if.h before the kernel's: linux/if.h then leaves out what both define.
#include <linux/bpf.h>
#include <linux/rtnetlink.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <utility>

#include "tests/kernel/test_run.h"
#include "tests/support/lab.h"
#include "userspace/kernel/cards.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/hooks.h"
#include "userspace/kernel/netlink.h"
#include "userspace/kernel/remembered.h"

namespace edgefw::test {
namespace {

using kernel::Egress;
using kernel::ReceivedMode;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kDropAll = "default: drop\n";

int eth0() {
    return static_cast<int>(if_nametoindex("eth0"));
}

Result<kernel::Card> try_attach(ReceivedMode mode, Egress egress, const std::string& interface = "eth0",
                                bool has_policy = true) {
    kernel::AttachRequest request;
    request.interface = interface;
    request.mode = mode;
    request.egress = egress;
    if (has_policy) request.policy = compiled(kDropAll);
    return kernel::attach(request);
}

void attach(ReceivedMode mode, Egress egress, const std::string& interface = "eth0") {
    const auto attached = try_attach(mode, egress, interface);
    ASSERT_TRUE(attached) << attached.error().message;
    EXPECT_EQ(attached->warning, "");
}

// "eth0 received sent", with what holds; "pinned" where its state is there, "unfinished" where it should not be.
std::vector<std::string> hooked() {
    const auto status = kernel::status(false);
    if (!status) throw std::runtime_error(status.error().message);
    std::vector<std::string> texts;
    for (const kernel::HookedCard& card : status->hooked) {
        texts.push_back(card.interface + (card.holds[EDGEFW_RECEIVED] ? " received" : "") +
                        (card.holds[EDGEFW_SENT] ? " sent" : "") + (card.is_pinned ? " pinned" : "") +
                        (card.is_unfinished ? " unfinished" : ""));
    }
    return texts;
}

// What the kernel has on the hooks, asked behind edgefw's back.
int programs_on_hooks() {
    const auto found = kernel::find_interface("eth0");
    return (found && found->xdp_program != 0 ? 1 : 0) +
           static_cast<int>(kernel::programs_at(eth0(), EDGEFW_RECEIVED).size() +
                            kernel::programs_at(eth0(), EDGEFW_SENT).size());
}

// A link whose last reference goes is taken off a moment later.
void expect_on_hooks(int programs) {
    for (int i = 0; i < 200 && programs_on_hooks() != programs; i++)
        usleep(10'000);
    EXPECT_EQ(programs_on_hooks(), programs);
}

std::string directory() {
    return kernel::Home::look()->card(eth0());
}

void detach_link(const std::string& name) {
    const Fd link = Fd::own(bpf_obj_get((directory() + "/" + name).c_str()));
    ASSERT_TRUE(link.valid());
    ASSERT_EQ(bpf_link_detach(link.get()), 0);
}

bool passes_in(Lab& lab) {
    FrameSocket peer = lab.in_peer([] { return FrameSocket("peer-eth0"); });
    FrameSocket host("eth0");
    host.receive(std::chrono::milliseconds(1));
    peer.send(frame(Ethernet{}, Ipv4{}, Udp{}, payload(16)));
    return host.receive(std::chrono::milliseconds(100)).has_value();
}

TEST(Hooks, ALostLinkIsToldAndPutBack) {
    Lab lab;
    lab.add_card("eth1");
    attach(ReceivedMode::kNative, Egress::kAuto, "eth1");
    attach(ReceivedMode::kNative, Egress::kAuto);
    EXPECT_THAT(hooked(), ElementsAre("eth0 received sent pinned", "eth1 received sent pinned"));
    EXPECT_FALSE(passes_in(lab));
    detach_link("link_received");
    EXPECT_THAT(hooked(), ElementsAre("eth0 sent pinned", "eth1 received sent pinned"));
    EXPECT_TRUE(passes_in(lab)) << "the hook is not lost: this test proves nothing";
    EXPECT_FALSE(*kernel::is_attached("eth0"));
    // A push serves what still holds, and takes nothing for granted.
    const auto pushed = kernel::push(compiled(kDropAll), {});
    ASSERT_TRUE(pushed) << pushed.error().message;
    EXPECT_EQ(pushed->cards.size(), 2u);
    EXPECT_THAT(hooked(), ElementsAre("eth0 sent pinned", "eth1 received sent pinned"));
    const auto back = kernel::put_back("eth0");
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_THAT(hooked(), ElementsAre("eth0 received sent pinned", "eth1 received sent pinned"));
    EXPECT_FALSE(passes_in(lab));
    EXPECT_EQ(kernel::status(false)->cards.size(), 2u);
    ASSERT_TRUE(kernel::detach("eth0"));
    EXPECT_EQ(programs_on_hooks(), 0);
    EXPECT_THAT(hooked(), ElementsAre("eth1 received sent pinned"));
}

TEST(Hooks, ALostLinkOfTcxIsPutBack) {
    const Lab lab;
    attach(ReceivedMode::kTc, Egress::kTcx);
    for (const char* link : {"link_received", "link_sent"}) {
        detach_link(link);
        EXPECT_THAT(hooked(),
                    ElementsAre(link == std::string("link_sent") ? "eth0 received pinned" : "eth0 sent pinned"));
        const auto back = kernel::put_back("eth0");
        ASSERT_TRUE(back) << back.error().message;
        EXPECT_THAT(hooked(), ElementsAre("eth0 received sent pinned"));
        // The pin alone goes, and the link with it.
        ASSERT_EQ(unlink((directory() + "/" + link).c_str()), 0);
        EXPECT_NE(hooked(), std::vector<std::string>{"eth0 received sent pinned"});
        ASSERT_TRUE(kernel::put_back("eth0"));
        EXPECT_THAT(hooked(), ElementsAre("eth0 received sent pinned"));
        expect_on_hooks(2);
    }
}

TEST(Hooks, ALostFilterIsPutBack) {
    const Lab lab;
    attach(ReceivedMode::kTc, Egress::kClsact);
    Lab::run("tc filter del dev eth0 egress");
    EXPECT_THAT(hooked(), ElementsAre("eth0 received pinned"));
    ASSERT_TRUE(kernel::put_back("eth0"));
    Lab::run("tc qdisc del dev eth0 clsact");
    EXPECT_THAT(hooked(), ElementsAre("eth0 pinned"));
    ASSERT_TRUE(kernel::put_back("eth0"));
    EXPECT_THAT(hooked(), ElementsAre("eth0 received sent pinned"));
    EXPECT_EQ(programs_on_hooks(), 2);
    ASSERT_TRUE(kernel::detach("eth0"));
    EXPECT_EQ(programs_on_hooks(), 0);
    EXPECT_THAT(hooked(), IsEmpty());
}

// With the pins goes what was in force: only an attach brings the card back.
TEST(Hooks, LostPinsAreTold) {
    for (const auto& [mode, egress] :
         {std::pair{ReceivedMode::kNative, Egress::kAuto}, std::pair{ReceivedMode::kTc, Egress::kClsact}}) {
        const Lab lab;
        attach(mode, egress);
        kernel::remove_directory(directory());
        EXPECT_THAT(hooked(), ElementsAre("eth0"));
        expect_on_hooks(egress == Egress::kClsact ? 2 : 0);  // filters need no pin
        EXPECT_THAT(kernel::put_back("eth0").error().message, testing::HasSubstr("edgefw attach eth0 --policy FILE"));
        EXPECT_THAT(kernel::push(compiled(kDropAll), {}).error().message, testing::HasSubstr("eth0 was attached"));
        attach(mode, egress);
        EXPECT_THAT(hooked(), ElementsAre("eth0 received sent pinned"));
        EXPECT_EQ(programs_on_hooks(), 2);
        kernel::remove_directory(directory());
        ASSERT_TRUE(kernel::detach("eth0")) << "it is forgotten";
        EXPECT_THAT(hooked(), IsEmpty());
        expect_on_hooks(0);
        EXPECT_FALSE(kernel::detach("eth0"));
    }
}

// A card that is gone is none to filter, and one that has its index later is another.
TEST(Hooks, OfACardThatIsGone) {
    Lab lab;
    attach(ReceivedMode::kNative, Egress::kAuto);
    const std::string index = std::to_string(eth0());
    Lab::run("ip link delete eth0");
    EXPECT_THAT(hooked(), IsEmpty());
    Lab::run("ip link add other index " + index + " type veth peer name others");
    EXPECT_THAT(hooked(), IsEmpty());
    Lab::run("ip link set other name eth0");
    EXPECT_THAT(hooked(), ElementsAre("eth0 pinned"))
        << "the same name and index: it was replaced behind edgefw's back";
    EXPECT_TRUE(kernel::detach("eth0"));
    EXPECT_THAT(hooked(), IsEmpty());
}

// A card that another name was given is the same.
TEST(Hooks, OfACardThatIsRenamed) {
    const Lab lab;
    attach(ReceivedMode::kNative, Egress::kAuto);
    detach_link("link_received");
    Lab::run("ip link set eth0 down");
    Lab::run("ip link set eth0 name wan0");
    EXPECT_THAT(hooked(), ElementsAre("wan0 sent pinned"));
}

TEST(Hooks, MemoryIsRootsAloneAndGoesWithDetach) {
    const Lab lab;
    attach(ReceivedMode::kNative, Egress::kAuto);
    struct stat found = {};
    const std::string memory = kernel::Home::look()->remembered_folder();
    for (const std::string& folder : {memory, std::string("/run/edgefw")}) {
        ASSERT_EQ(stat(folder.c_str(), &found), 0);
        EXPECT_EQ(found.st_mode & 07777, 0700u) << folder;
    }
    EXPECT_TRUE(kernel::detach("eth0"));
    EXPECT_NE(stat(memory.c_str(), &found), 0);
}

// A card may have been attached by a version that remembered nothing: the next command remembers it.
TEST(Hooks, WhatIsWholeIsRemembered) {
    const Lab lab;
    attach(ReceivedMode::kNative, Egress::kAuto);
    kernel::forget(*kernel::Home::look(), static_cast<std::uint32_t>(eth0()));
    EXPECT_THAT(hooked(), ElementsAre("eth0 received sent pinned"));
    ASSERT_TRUE(kernel::mend());
    detach_link("link_received");
    EXPECT_THAT(hooked(), ElementsAre("eth0 sent pinned"));
}

// What somebody else put into the folders is left alone, and keeps nobody waiting.
TEST(Hooks, WhatIsNoFileIsNotRemembered) {
    const Lab lab;
    attach(ReceivedMode::kNative, Egress::kAuto);
    const std::string memory = kernel::Home::look()->remembered_folder();
    ASSERT_EQ(mkdir((memory + "/card_9999").c_str(), 0700), 0);
    ASSERT_EQ(mkfifo((memory + "/card_9998").c_str(), 0600), 0);
    ASSERT_EQ(mkdir((memory + "/held").c_str(), 0700), 0);
    EXPECT_THAT(hooked(), ElementsAre("eth0 received sent pinned"));
    // The folders of other namespaces are looked at, too, for those that are gone.
    const std::string other = memory + "-of-nobody";
    ASSERT_EQ(mkdir(other.c_str(), 0700), 0);
    ASSERT_EQ(mkdir((other + "/held").c_str(), 0700), 0);
    EXPECT_TRUE(kernel::mend());
    EXPECT_TRUE(kernel::push(compiled("rules: []"), {}));
    for (const std::string& path : {memory + "/card_9999", memory + "/held", other + "/held", other})
        EXPECT_EQ(rmdir(path.c_str()), 0) << path;
    EXPECT_EQ(unlink((memory + "/card_9998").c_str()), 0);
    EXPECT_TRUE(kernel::detach("eth0"));
}

// A process that does `work`, stopped behind each call that changes what is on a hook.
class Stepped {
public:
    explicit Stepped(const std::function<bool()>& work) : process_(fork()) {
        if (process_ == 0) {
            ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
            raise(SIGSTOP);
            _exit(work() ? 0 : 1);
        }
        waitpid(process_, &status_, 0);
        ptrace(PTRACE_SETOPTIONS, process_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    }
    Stepped(const Stepped&) = delete;
    Stepped& operator=(const Stepped&) = delete;
    ~Stepped() {
        if (!WIFSTOPPED(status_)) return;
        send(SIGKILL);
        waitpid(process_, &status_, 0);
    }

    // Runs until behind the next of them; false: it has ended.
    bool step() {
        int signal = 0;
        for (;;) {
            ptrace(PTRACE_SYSCALL, process_, nullptr, signal);
            waitpid(process_, &status_, 0);
            if (!WIFSTOPPED(status_)) return false;
            signal = WSTOPSIG(status_);
            if (signal != (SIGTRAP | 0x80)) continue;
            signal = 0;
            if (std::exchange(is_changing_, is_change())) return true;
        }
    }
    void send(int signal) const { kill(process_, signal); }
    int status() const { return status_; }

private:
    // Whether it is about to begin one.
    bool is_change() const {
        __ptrace_syscall_info call = {};
        ptrace(PTRACE_GET_SYSCALL_INFO, process_, sizeof(call), &call);
        if (call.op != PTRACE_SYSCALL_INFO_ENTRY) return false;
        if (call.entry.nr == SYS_bpf) {
            const auto command = call.entry.args[0];
            return command == BPF_LINK_DETACH || command == BPF_LINK_CREATE || command == BPF_LINK_UPDATE;
        }
        if (call.entry.nr == SYS_sendto)
            return is_change(ptrace(PTRACE_PEEKDATA, process_, call.entry.args[1], nullptr));
        return false;
    }
    // `message`: the first eight bytes of a netlink message, which are its length, type and flags.
    static bool is_change(long message) {
        const auto type = static_cast<std::uint64_t>(message) >> 32 & 0xffff;
        return type == RTM_NEWTFILTER || type == RTM_DELTFILTER || type == RTM_NEWQDISC || type == RTM_DELQDISC;
    }

    pid_t process_;
    int status_ = 0;
    bool is_changing_ = false;
};

// Does `work` in a process that is killed behind its `number`th change. False: it had less of them.
bool killed_at(int number, const std::function<bool()>& work) {
    Stepped process(work);
    for (int i = 0; i <= number; i++) {
        if (process.step()) continue;
        EXPECT_TRUE(WIFEXITED(process.status()) && WEXITSTATUS(process.status()) == 0);
        return false;
    }
    return true;
}

// What holds when something was killed: what is on the hooks is told, and mend() leaves a whole card or none.
void expect_named_and_mended(int number) {
    SCOPED_TRACE("killed behind change " + std::to_string(number));
    const auto cards = kernel::hooked_cards();
    ASSERT_TRUE(cards) << cards.error().message;
    int told = 0;
    for (const kernel::HookedCard& card : *cards)
        told += card.holds[EDGEFW_RECEIVED] + card.holds[EDGEFW_SENT];
    expect_on_hooks(told);
    ASSERT_TRUE(kernel::mend());
    const auto mended = kernel::hooked_cards();
    ASSERT_TRUE(mended) << mended.error().message;
    const bool is_whole = mended->size() == 1 && mended->front().is_filtering();
    EXPECT_TRUE(is_whole || mended->empty());
    EXPECT_EQ(programs_on_hooks(), is_whole ? 2 : 0);
}

constexpr std::pair<ReceivedMode, Egress> kPlaces[] = {
    {ReceivedMode::kNative, Egress::kTcx}, {ReceivedMode::kTc, Egress::kTcx}, {ReceivedMode::kTc, Egress::kClsact}};

TEST(Hooks, ADetachThatWasKilledIsNamedAndFinished) {
    for (const auto& [mode, egress] : kPlaces) {
        const Lab lab;
        int number = 0, halves = 0;
        for (;; number++) {
            if (!*kernel::is_attached("eth0")) {
                ASSERT_TRUE(try_attach(mode, egress, "eth0", false));
            }
            if (!killed_at(number, [] { return static_cast<bool>(kernel::detach("eth0")); })) break;
            halves += programs_on_hooks() == 1 ? 1 : 0;
            expect_named_and_mended(number);
        }
        EXPECT_GT(halves, 0) << "no kill fell between the two hooks";
    }
}

TEST(Hooks, AnAttachThatWasKilledIsNamedAndUndone) {
    for (const auto& [mode, egress] : kPlaces) {
        const Lab lab;
        const auto work = [mode = mode, egress = egress] {
            return static_cast<bool>(try_attach(mode, egress, "eth0", false));
        };
        int halves = 0;
        for (int number = 0; killed_at(number, work); number++) {
            halves += programs_on_hooks() == 1 ? 1 : 0;
            expect_named_and_mended(number);
            if (*kernel::is_attached("eth0")) {
                ASSERT_TRUE(kernel::detach("eth0"));
            }
        }
        EXPECT_GT(halves, 0) << "no kill fell between the two hooks";
    }
}

// Another process's half states are its work, for as long as it is at it.
TEST(Hooks, WhoIsAtWorkHasLeftNothing) {
    const Lab lab;
    attach(ReceivedMode::kNative, Egress::kTcx);
    detach_link("link_received");
    kernel::forget(*kernel::Home::look(), static_cast<std::uint32_t>(eth0()));
    EXPECT_THAT(hooked(), ElementsAre("eth0 sent pinned unfinished"));
    {
        const auto home = kernel::Home::lock();
        ASSERT_TRUE(home);
        EXPECT_THAT(hooked(), IsEmpty());
    }
    ASSERT_TRUE(kernel::detach("eth0")) << "by name";
    EXPECT_EQ(programs_on_hooks(), 0);
}

// SIGINT, SIGTERM and SIGHUP end no detach between the hooks.
TEST(Hooks, ASignalWaitsUntilBothHooksAreOff) {
    const Lab lab;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        attach(ReceivedMode::kTc, Egress::kTcx);
        Stepped process([] { return static_cast<bool>(kernel::detach("eth0")); });
        ASSERT_TRUE(process.step());
        process.send(signal);
        while (process.step()) {
        }
        EXPECT_TRUE(WIFSIGNALED(process.status()) && WTERMSIG(process.status()) == signal) << "it comes at the end";
        EXPECT_EQ(programs_on_hooks(), 0);
        EXPECT_THAT(hooked(), IsEmpty());
    }
}

}  // namespace
}  // namespace edgefw::test
