// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/read.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "userspace/base/fd.h"

namespace edgefw::policy {
namespace {

Error cannot_read(const std::string& name, int error) {
    return failed("cannot read " + name + ": " + std::strerror(error));
}

Error too_large(const std::string& name, std::size_t limit) {
    return failed(name + " is larger than " + std::to_string(limit >> 20) + " MiB; write prefixes instead of hosts" +
                  (limit == kMaxPolicyBytes ? ", or put long lists into files of sets" : ""));
}

Result<std::string> read_all(int fd, const std::string& name, std::size_t limit = kMaxPolicyBytes) {
    std::string text;
    struct stat about = {};
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) {
        if (static_cast<std::uint64_t>(about.st_size) > limit) return too_large(name, limit);
        text.reserve(static_cast<std::size_t>(about.st_size) + 1);
    }
    char buffer[65536];
    while (true) {
        const ssize_t count = ::read(fd, buffer, sizeof(buffer));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return cannot_read(name, errno);
        if (count == 0) return text;
        text.append(buffer, static_cast<std::size_t>(count));
        if (text.size() > limit) return too_large(name, limit);
    }
}

}  // namespace

Result<std::string> read(const std::string& file) {
    if (file == "-") return read_all(STDIN_FILENO, "standard input");
    const Fd fd = Fd::own(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return cannot_read(file, errno);
    return read_all(fd.get(), file);
}

Result<std::string> read_regular(const std::string& file, std::size_t limit) {
    const Fd fd = Fd::own(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd.valid()) return cannot_read(file, errno);
    struct stat about = {};
    if (fstat(fd.get(), &about) != 0) return cannot_read(file, errno);
    if (!S_ISREG(about.st_mode)) return failed(file + " is no regular file; write one there");
    return read_all(fd.get(), file, limit);
}

}  // namespace edgefw::policy
