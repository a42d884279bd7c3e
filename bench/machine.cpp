// SPDX-License-Identifier: GPL-2.0-only
#include "bench/machine.h"

#include <bpf/libbpf.h>
#include <sys/utsname.h>

#include <ctime>
#include <fstream>
#include <thread>

#include "bench/command.h"

namespace edgefw::bench {
namespace {

// The value behind "NAME : VALUE" in a file of /proc; empty when there is none.
std::string value_in(const std::string& file, const std::string& name) {
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t colon = line.find(':');
        if (line.compare(0, name.size(), name) != 0 || colon == std::string::npos) continue;
        const std::size_t value = line.find_first_not_of(" \t", colon + 1);
        return value == std::string::npos ? std::string() : line.substr(value);
    }
    return {};
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

std::string quoted_value_in(const std::string& file, const std::string& name) {
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind(name + "=\"", 0) == 0) return line.substr(name.size() + 2, line.size() - name.size() - 3);
    }
    return {};
}

std::string today() {
    const std::time_t now = std::time(nullptr);
    std::tm day = {};
    gmtime_r(&now, &day);
    char text[16];
    std::strftime(text, sizeof(text), "%Y-%m-%d", &day);
    return text;
}

std::string load_average() {
    std::ifstream file("/proc/loadavg");
    std::string minute;
    file >> minute;
    return minute;
}

std::string version_of(const std::string& program, const char* argument) {
    auto text = run({program, argument});
    return text ? first_line(*text) : std::string();
}

}  // namespace

std::vector<std::pair<std::string, std::string>> machine_facts() {
    utsname kernel = {};
    uname(&kernel);
    const std::string hypervisor =
        value_in("/proc/cpuinfo", "flags").find("hypervisor") == std::string::npos ? "" : ", a virtual machine";
    const std::vector<std::pair<std::string, std::string>> facts = {
        {"Date", today()},
        {"Processor", value_in("/proc/cpuinfo", "model name") + ", " +
                          std::to_string(std::thread::hardware_concurrency()) + " cores" + hypervisor},
        {"Memory", value_in("/proc/meminfo", "MemTotal")},
        {"Kernel", std::string(kernel.sysname) + " " + kernel.release},
        {"System", quoted_value_in("/etc/os-release", "PRETTY_NAME")},
        {"libbpf", libbpf_version_string()},
        {"nftables", version_of("nft", "--version")},
        {"Load average before the run", load_average()},
    };
    std::vector<std::pair<std::string, std::string>> known;
    for (const auto& fact : facts) {
        if (!fact.second.empty()) known.push_back(fact);
    }
    return known;
}

}  // namespace edgefw::bench
