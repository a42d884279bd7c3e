// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/history/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

namespace edgefw::history {
namespace {

constexpr const char* kPrefix = "entry_";
constexpr std::uint64_t kHighest = 1'000'000'000'000'000;  // there is always a next one
constexpr const char* kNew = "new";
constexpr const char* kNamespaceFile = "namespace";

Error cannot(const std::string& operation) {
    return failed(operation + ": " + std::strerror(errno));
}

std::string name_of(std::uint64_t number) {
    return kPrefix + std::to_string(number);
}

// Nothing: it is no name of an entry.
std::optional<std::uint64_t> number_of(std::string_view name) {
    if (!name.starts_with(kPrefix)) return std::nullopt;
    name.remove_prefix(std::strlen(kPrefix));
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    const bool whole = error == std::errc() && end == name.data() + name.size();
    if (!whole || number == 0 || number > kHighest) return std::nullopt;
    return number;
}

// Ours, and nobody else can change it; the innermost also nobody else can look into.
Result<Ok> check(int folder, const std::string& path, bool innermost) {
    struct stat found = {};
    if (fstat(folder, &found) != 0) return cannot("looking at " + path);
    if (found.st_uid != geteuid())
        return failed(path + " belongs to user " + std::to_string(found.st_uid) +
                      "; look at what is in it, then: chown " + std::to_string(geteuid()) + " " + path);
    const mode_t others = innermost ? 0077 : 0022;
    if ((found.st_mode & others) != 0) return failed(path + " is open to other users; mend it: chmod 0700 " + path);
    return Ok{};
}

// Nothing: it is not there. Made, it may be taken away as empty, by the laboratory of a test, between two steps.
Result<std::optional<Fd>> try_to_enter(const Place& place, bool make) {
    std::string path = place.base;
    Fd folder = Fd::own(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.valid()) {
        if (errno == ENOENT && !make) return std::optional<Fd>();
        return cannot("opening " + path);
    }
    for (std::size_t i = 0; i < place.folders.size(); i++) {
        const std::string& name = place.folders[i];
        path += "/" + name;
        if (make && mkdirat(folder.get(), name.c_str(), 0700) != 0 && errno != EEXIST) {
            if (errno == ENOENT) return std::optional<Fd>();
            return cannot("making " + path);
        }
        Fd inner = Fd::own(openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!inner.valid()) {
            if (errno == ENOENT) return std::optional<Fd>();
            return cannot("opening " + path + " (a folder, no link)");
        }
        if (auto checked = check(inner.get(), path, i + 1 == place.folders.size()); !checked) return checked.error();
        folder = std::move(inner);
    }
    return std::optional<Fd>(std::move(folder));
}

Result<std::optional<Fd>> enter(const Place& place, bool make) {
    constexpr int kTries = 1000;
    auto entered = try_to_enter(place, make);
    for (int i = 0; i < kTries && make && entered && !*entered; i++)
        entered = try_to_enter(place, make);
    if (make && entered && !*entered) return failed("making " + place.path() + ": somebody takes it away");
    return entered;
}

// Whole, or not at all: also after the machine lost its power.
Result<Ok> write_file(int folder, const std::string& path, const std::string& name, const std::string& bytes) {
    unlinkat(folder, kNew, 0);
    const Fd file = Fd::own(openat(folder, kNew, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid()) return cannot("making " + path + "/" + kNew);
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t wrote = ::write(file.get(), bytes.data() + done, bytes.size() - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) {
            Error error = cannot("writing " + path + "/" + name);
            unlinkat(folder, kNew, 0);
            return error;
        }
        done += static_cast<std::size_t>(wrote);
    }
    if (fsync(file.get()) != 0 || renameat(folder, kNew, folder, name.c_str()) != 0 || fsync(folder) != 0) {
        Error error = cannot("writing " + path + "/" + name);
        unlinkat(folder, kNew, 0);
        return error;
    }
    return Ok{};
}

}  // namespace

std::string Place::path() const {
    std::string path = base;
    for (const std::string& folder : folders)
        path += "/" + folder;
    return path;
}

Result<Folder> Folder::open(const Place& place) {
    auto entered = enter(place, true);
    if (!entered) return entered.error();
    Folder folder;
    folder.path_ = place.path();
    folder.folder_ = std::move(**entered);
    if (place.network.empty() || faccessat(folder.folder_.get(), kNamespaceFile, F_OK, 0) == 0) return folder;
    // As kernel/remembered.h reads it, which takes the folder away once nobody is in this namespace any more.
    const std::string text = nlohmann::json{{"namespace", place.network}}.dump();
    if (auto written = write_file(folder.folder_.get(), folder.path_, kNamespaceFile, text); !written)
        return written.error();
    return folder;
}

Result<Folder> Folder::look(const Place& place) {
    auto entered = enter(place, false);
    if (!entered) return entered.error();
    Folder folder;
    folder.path_ = place.path();
    if (*entered) folder.folder_ = std::move(**entered);
    return folder;
}

Result<Fd> Folder::lock(std::chrono::milliseconds wait) const {
    const auto deadline = std::chrono::steady_clock::now() + wait;
    // Opened again: the lock is of an open file, and this one is shared with whoever has it.
    Fd held = Fd::own(openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!held.valid()) return cannot("opening " + path_);
    while (flock(held.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) return cannot("locking " + path_);
        if (std::chrono::steady_clock::now() > deadline)
            return failed("another edgefw holds " + path_ + " since " +
                          std::to_string(std::chrono::duration_cast<std::chrono::seconds>(wait).count()) + " s");
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return held;
}

Contents Folder::list() const {
    Contents contents;
    if (!folder_.valid()) return contents;
    const int own = openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(own < 0 ? nullptr : fdopendir(own), closedir);
    if (directory == nullptr) {
        if (own >= 0) close(own);
        contents.skipped.push_back("opening " + path_ + ": " + std::strerror(errno));
        return contents;
    }
    while (const dirent* found = readdir(directory.get())) {
        const std::string name = found->d_name;
        if (name == "." || name == ".." || name == kNew || name == kNamespaceFile) continue;
        const auto number = number_of(name);
        if (!number) {
            contents.skipped.push_back(path_ + "/" + name + " is no entry of the history");
            continue;
        }
        contents.numbers.push_back(*number);
        const auto bytes = bytes_of(*number);
        auto facts = bytes ? read_facts(*bytes) : Result<Facts>(bytes.error());
        if (facts && facts->number == *number)
            contents.entries.push_back(std::move(*facts));
        else
            contents.skipped.push_back(path_ + "/" + name +
                                       " is left out: " + (facts ? "it has another number" : facts.error().message));
    }
    std::sort(contents.numbers.begin(), contents.numbers.end());
    std::sort(contents.entries.begin(), contents.entries.end(),
              [](const Facts& a, const Facts& b) { return a.number > b.number; });
    std::sort(contents.skipped.begin(), contents.skipped.end());
    return contents;
}

Result<std::string> Folder::bytes_of(std::uint64_t number) const {
    // Without waiting for the writer of a pipe.
    const Fd file =
        Fd::own(openat(folder_.get(), name_of(number).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.valid()) return failed(std::strerror(errno));
    struct stat found = {};
    if (fstat(file.get(), &found) != 0) return failed(std::strerror(errno));
    if (!S_ISREG(found.st_mode)) return failed("it is no regular file");
    if (found.st_uid != geteuid()) return failed("it belongs to user " + std::to_string(found.st_uid));
    if (static_cast<std::size_t>(found.st_size) > kLongestFile) return failed("it is too long to be one");
    std::string bytes(static_cast<std::size_t>(found.st_size), '\0');
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed(std::strerror(errno));
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    return bytes;
}

Result<Entry> Folder::read(std::uint64_t number) const {
    const auto bytes = bytes_of(number);
    auto entry = bytes ? read_entry(*bytes) : Result<Entry>(bytes.error());
    if (!entry) return failed(path_ + "/" + name_of(number) + ": " + entry.error().message);
    return entry;
}

Result<std::uint64_t> Folder::write(
    Entry entry, const std::function<std::vector<std::uint64_t>(const Contents& now)>& superfluous) const {
    const Contents before = list();
    entry.facts.number = before.numbers.empty() ? 1 : before.numbers.back() + 1;
    const auto bytes = to_bytes(entry);
    if (!bytes) return bytes.error();
    const std::uint64_t number = entry.facts.number;
    if (auto written = write_file(folder_.get(), path_, name_of(number), *bytes); !written) return written.error();
    Contents now = before;
    now.numbers.push_back(number);
    now.entries.insert(now.entries.begin(), entry.facts);
    for (const std::uint64_t one : superfluous(now))
        unlinkat(folder_.get(), name_of(one).c_str(), 0);
    return number;
}

}  // namespace edgefw::history
