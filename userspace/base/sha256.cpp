// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/base/sha256.h"

#include <openssl/evp.h>

#include <array>

namespace edgefw {

Result<std::string> sha256(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
        return failed("libcrypto offers no SHA-256; check the OpenSSL configuration of this host");
    }
    static constexpr char kHex[] = "0123456789abcdef";
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
        text += kHex[digest[i] >> 4];
        text += kHex[digest[i] & 0xf];
    }
    return text;
}

}  // namespace edgefw
