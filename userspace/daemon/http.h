// SPDX-License-Identifier: GPL-2.0-only
// What `edgefw serve` speaks of HTTP: the head of a request is read, one answer is written, the connection ends.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "userspace/daemon/body.h"

namespace edgefw::daemon {

// Bytes of the longest request head that is read (request line and headers). A longer one is refused.
constexpr std::size_t kLongestHead = 8192;

struct HttpAnswer {
    int status = 200;
    std::string type;
    std::string text;
    std::shared_ptr<const Body> body = {};  // in place of `text`; absent: `text` is all
};

struct HttpRequest {
    std::string path;           // without the query
    std::string query;          // what stands behind the '?'
    bool takes_chunks = false;  // HTTP/1.1
    bool without_body = false;  // HEAD
    int refusal = 0;            // status of a request that is none, or not one for us; 0: it has an answer
};

// How long the head is that `text` begins with, its end included; nothing while it is not whole.
std::optional<std::size_t> head_length(std::string_view text);

// Reads a whole head (RFC 9112). Only its first line matters here.
HttpRequest parse_head(std::string_view head);

// Whether a query has a parameter of that name, whatever its value: "nonzero" in "a=b&nonzero" and "nonzero=1".
bool has_parameter(std::string_view query, std::string_view name);

// Why a request has no answer.
HttpAnswer refusal(int status);

// What goes over the wire first: all of the answer, or what comes before the first piece of its body.
std::string to_wire(const HttpAnswer& answer, const HttpRequest& request);

// A piece of a body as this client takes it (RFC 9112 section 7.1); an empty one is the end.
std::string to_wire(std::string piece, const HttpRequest& request);

}  // namespace edgefw::daemon
