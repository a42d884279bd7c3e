// SPDX-License-Identifier: GPL-2.0-only
#include "bench/command.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "userspace/base/fd.h"

namespace edgefw::bench {
namespace {

// A file of no name: unlike a pipe it never fills, so both outputs can be read after the program's end.
Result<Fd> unnamed_file() {
    std::FILE* file = std::tmpfile();
    if (file == nullptr) return failed("no room for a temporary file");
    const int fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 3);
    std::fclose(file);
    if (fd < 0) return failed("no descriptor for a temporary file");
    return Fd::own(fd);
}

std::string contents(const Fd& file) {
    std::string text;
    std::array<char, 4096> part;
    lseek(file.get(), 0, SEEK_SET);
    for (ssize_t size = 0; (size = read(file.get(), part.data(), part.size())) > 0;)
        text.append(part.data(), static_cast<std::size_t>(size));
    return text;
}

struct Standard {
    Fd in, out, error;
};

Result<Standard> standard_files(const std::string& input) {
    Standard files;
    for (Fd* file : {&files.in, &files.out, &files.error}) {
        auto made = unnamed_file();
        if (!made) return made.error();
        *file = std::move(*made);
    }
    if (write(files.in.get(), input.data(), input.size()) != static_cast<ssize_t>(input.size()))
        return failed("no room for the input of another program");
    lseek(files.in.get(), 0, SEEK_SET);
    return files;
}

// Its exit status; 127 when there is no such program.
int spawn_and_wait(const std::vector<std::string>& arguments, const Standard& standard) {
    std::vector<char*> argv;
    for (const auto& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, standard.in.get(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, standard.out.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, standard.error.get(), STDERR_FILENO);
    pid_t child = 0;
    int status = 0;
    const int spawned = posix_spawnp(&child, argv[0], &files, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    if (spawned != 0 || waitpid(child, &status, 0) != child) return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace

Result<std::string> run(const std::vector<std::string>& arguments, const std::string& input) {
    auto files = standard_files(input);
    if (!files) return files.error();
    if (spawn_and_wait(arguments, *files) == 0) return contents(files->out);
    std::string line;
    for (const auto& argument : arguments)
        line += (line.empty() ? "" : " ") + argument;
    return failed(line + ": " + contents(files->error));
}

}  // namespace edgefw::bench
