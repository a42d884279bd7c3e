// SPDX-License-Identifier: GPL-2.0-only
// Where everything lives in bpffs:
//
//   /sys/fs/bpf/edgefw/<network namespace cookie>/     locked (flock) by who changes something
//       active                                         the one word that says which bank judges
//       confirmations                                  until when a push waits to be confirmed, and what is then
//       generation_<N>/                                config, rule maps and document of a policy in force
//       shadow_<N>/                                    rules and document of a shadow (kernel/shadow.h)
//       card_<ifindex>/                                card, programs, links, connections, counters
//       upgrade_<N>/                                   a card while it is taken over (kernel/upgrade.cpp)
//
// Beside it, in /run/edgefw/<network namespace cookie>/, is what should be attached (kernel/remembered.h).
//
// Names hold no dots (bpffs refuses them), hence no interface names.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "userspace/base/fd.h"
#include "userspace/base/result.h"

namespace edgefw::kernel {

inline constexpr const char* kBpffs = "/sys/fs/bpf";

// Returns the cookie of the network namespace that this thread is in. Fails before Linux 5.14.
Result<std::uint64_t> namespace_cookie();

// The directory of this network namespace, held open; with the lock where it changes something.
class Home {
public:
    // Makes the directory and locks it for this process alone. Waits at most `wait` for the lock; then the error names
    // the process that holds it. Fails where somebody else than root could have made the directory, or can change it:
    // check_bpffs().
    static Result<Home> lock(std::chrono::milliseconds wait = std::chrono::seconds(10));
    // Opens the directory without the lock, to look. In a namespace where edgefw was never used the Home does not
    // exist().
    static Result<Home> look();

    bool exists() const { return directory_.valid(); }
    const std::string& path() const { return path_; }
    std::string active() const { return path_ + "/active"; }
    std::string confirmations() const { return path_ + "/confirmations"; }
    std::string generation(std::uint32_t number) const { return path_ + "/generation_" + std::to_string(number); }
    std::string shadow(std::uint32_t number) const { return path_ + "/shadow_" + std::to_string(number); }
    std::string upgrade(std::uint32_t number) const { return path_ + "/upgrade_" + std::to_string(number); }
    std::string card(int ifindex) const { return path_ + "/card_" + std::to_string(ifindex); }
    std::string remembered_folder() const;

    // Does `work` while nobody has the lock, this process included. False: somebody has it.
    bool while_nobody_changes(const std::function<void()>& work) const;

    // Numbers of the generation_N, shadow_N, card_N and upgrade_N directories there are, ascending.
    std::vector<std::uint32_t> generations() const { return numbered("generation_"); }
    std::vector<std::uint32_t> shadows() const { return numbered("shadow_"); }
    std::vector<std::uint32_t> cards() const { return numbered("card_"); }
    std::vector<std::uint32_t> upgrades() const { return numbered("upgrade_"); }

    // The directory itself, when no card is in it.
    void remove_if_empty();

private:
    std::vector<std::uint32_t> numbered(const std::string& prefix) const;

    std::string path_;
    Fd directory_;
};

// What is pinned is root's alone: fails where /sys/fs/bpf or edgefw's folder in it belongs to somebody else, or lets
// others write. The error names the command that mends it. A bpffs with the sticky bit (1777) is well: there nobody
// takes away what root has made. Not there yet: well.
Result<Ok> check_bpffs();
// A folder that root made, and that root alone can change; not there: well. `is_shared`: others may write, if they
// cannot take away what is not theirs. `mend`: the command that the error names.
Result<Ok> check_folder(const std::string& path, bool is_shared, const std::string& mend);
// Names of what is in a directory; none where it is not there.
std::vector<std::string> entries(const std::string& path);

Result<Ok> make_directory(const std::string& path);
// Makes `path` in `root`, which is made, too: who leaves it empty may take it away in between, from another network
// namespace.
Result<Ok> make_directory_in(const std::string& root, const std::string& path);
// A directory and the pins in it (one level deep, as above). Missing: nothing to do.
void remove_directory(const std::string& path);
bool is_pinned(const std::string& path);

// Directories of namespaces that are gone: every card's link has lost its card, and nobody is in the namespace any
// more. Takes each one's lock, waits for none.
void remove_stale_homes();

}  // namespace edgefw::kernel
