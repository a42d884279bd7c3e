// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "userspace/base/fd.h"
#include "userspace/cli/profile.h"
#include "userspace/profile/profile.h"

namespace edgefw::cli {
namespace {

// A whole profile that passes `profile check` as it is.
constexpr const char* kSkeleton =
    R"(# A profile states one vendor's firewall page as data: docs/policy.md, "Writing a profile".
# Check it with: edgefw profile check NAME.yaml
name: NAME
title: What it is for, in a few words
document:
  title: Title of the vendor's page
  # url: https://vendor.example/firewall
  section: Its section, for every row that names none

# What differs from site to site. Types: address, addresses, network, networks, host, port, ports.
variables:
  server:
    type: address
    description: the server's own address
  clients:
    type: networks
    default: any
    description: where clients connect from

# What the page leaves to choose. Types: bool, choice, choices.
options:
  admin:
    type: bool
    default: false
    description: the administration port is reached from the internal network

# One rule for each row of each table, in its order. `table:` and `figure:` are the page's own numbers.
# external: the card that faces the Internet; there inbound is what the card receives.
# internal: the card that faces the own network; there outbound is what the card receives.
rules:
  - { name: https, table: 1, side: external, direction: inbound, protocol: tcp, local: $server, local_port: 443,
      remote: $clients, action: pass, description: the service itself }
  - { name: admin, table: 2, when: { admin: true }, side: internal, direction: outbound, protocol: tcp, local: $server,
      local_port: 8443, action: pass, description: administration }

# What must hold, whatever else the policy has. $anyone is an address that nobody has.
must_pass:
  - { rule: https, packet: 'external inbound tcp $clients:40000 > $server:443' }
  - { rule: admin, when: { admin: true }, packet: 'internal outbound tcp $anyone:40000 > $server:8443' }
must_drop:
  - { packet: 'external inbound tcp $clients:40000 > $server:444' }
  - { packet: 'external inbound tcp $anyone:40000 > $server:8443' }

# What the page leaves unclear, and how it was read.
# notes:
#   - The page does not say whether ... ; it is read as ...
)";

std::string skeleton(const std::string& name) {
    std::string text = kSkeleton;
    for (std::size_t at = text.find("NAME"); at != std::string::npos; at = text.find("NAME", at + name.size()))
        text.replace(at, 4, name);
    return text;
}

bool is_name(const std::string& name) {
    const auto good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    };
    return !name.empty() && name.size() <= 64 && name[0] != '.' && name[0] != '-' &&
           std::all_of(name.begin(), name.end(), good);
}

}  // namespace

Result<Ok> run(const ProfileNewOptions& options, Context& context) {
    if (!is_name(options.name)) {
        return Error{ErrorKind::kUsage,
                     "'" + options.name + "' cannot be a profile's name: take lower case letters, digits and '-'"};
    }
    const std::string path = options.folder + "/" + options.name + ".yaml";
    const Fd file = Fd::own(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file.valid()) {
        const std::string why = errno == EEXIST ? "it is there already" : std::strerror(errno);
        return failed("cannot write " + path + ": " + why);
    }
    const std::string text = skeleton(options.name);
    if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        return failed("cannot write " + path + ": " + std::strerror(errno));
    }
    context.out.write("wrote " + path + "; check it with: edgefw profile check " + path + "\n");
    return Ok{};
}

}  // namespace edgefw::cli
