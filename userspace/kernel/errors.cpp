// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/errors.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace edgefw::kernel {

Error system_error(const std::string& operation, int number) {
    const int code = std::abs(number);
    const std::string text = operation + ": " + std::strerror(code);
    switch (code) {
        case EPERM:
        case EACCES:
            return {ErrorKind::kNotPermitted, text + "; run as root (it takes CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON)"};
        case ENOMEM:
            return {ErrorKind::kKernel, text + "; the kernel has no memory for it: ask for fewer connections or rules"};
        case EINVAL:
        case E2BIG:
        case EOPNOTSUPP:
            return {ErrorKind::kKernel, text};
        default:
            return {ErrorKind::kFailed, text};
    }
}

}  // namespace edgefw::kernel
