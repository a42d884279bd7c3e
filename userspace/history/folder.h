// SPDX-License-Identifier: GPL-2.0-only
// Where the history lies, a file for each entry, by its number:
//
//   /var/lib/edgefw/history/machine/entry_12            of the machine's own network namespace (that of process 1)
//   /var/lib/edgefw/history/netns_NAME/entry_12         of one with a name (`ip netns`): its name outlives a boot
//   /run/edgefw/history_<cookie>/entry_12               of one without: nothing says after a boot which it was
//
// Folders are 0700, files 0600. A file is written whole before it has its name. The one of /run goes when its namespace
// is gone, as what kernel/remembered.h keeps beside it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "userspace/base/fd.h"
#include "userspace/base/result.h"
#include "userspace/history/entry.h"

namespace edgefw::history {

// A folder that is there, and those in it that are made: ours alone.
struct Place {
    std::string base;
    std::vector<std::string> folders;
    std::string network = {};  // of /run: how /proc names the network namespace; empty: not of /run

    std::string path() const;
};

// That of the network namespace that this thread is in.
Result<Place> place();

// What the files say, newest first, and what is wrong with those that are none.
struct Contents {
    std::vector<Facts> entries;
    std::vector<std::string> skipped;    // a line each, with the file's path
    std::vector<std::uint64_t> numbers;  // of all files, ascending
};

class Folder {
public:
    // Makes what is missing. Follows no symbolic link, and takes no folder that somebody else owns or can change.
    static Result<Folder> open(const Place& place);
    // Makes nothing; where there is none it is empty.
    static Result<Folder> look(const Place& place);

    // One writer at a time: held until the descriptor is closed. Waits `wait` at most.
    Result<Fd> lock(std::chrono::milliseconds wait = std::chrono::seconds(10)) const;

    Contents list() const;
    // kFailed with the file's path where it is damaged or not there.
    Result<Entry> read(std::uint64_t number) const;
    // Writes the entry with the next number, which it returns, then removes what `superfluous` names of the files that
    // there are then. Needs the lock. A crash leaves a file whole, or none.
    Result<std::uint64_t> write(
        Entry entry, const std::function<std::vector<std::uint64_t>(const Contents& now)>& superfluous) const;

private:
    Result<std::string> bytes_of(std::uint64_t number) const;

    std::string path_;
    Fd folder_;
};

}  // namespace edgefw::history
