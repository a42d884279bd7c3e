// SPDX-License-Identifier: GPL-2.0-only
// What `edgefw serve` speaks of HTTP: the head of a request is read, one answer is written, the connection ends.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace edgefw::daemon {

// Bytes of the longest request head that is read (request line and headers). A longer one is refused.
constexpr std::size_t kLongestHead = 8192;

struct HttpAnswer {
    int status = 200;
    std::string type;
    std::string text;
};

struct HttpRequest {
    std::string path;           // without the query
    bool without_body = false;  // HEAD
    int refusal = 0;            // status of a request that is none, or not one for us; 0: it has an answer
};

// How long the head is that `text` begins with, its end included; nothing while it is not whole.
std::optional<std::size_t> head_length(std::string_view text);

// Reads a whole head (RFC 9112). Only its first line matters here.
HttpRequest parse_head(std::string_view head);

// Why a request has no answer.
HttpAnswer refusal(int status);

// What goes over the wire.
std::string to_wire(const HttpAnswer& answer, bool without_body);

}  // namespace edgefw::daemon
