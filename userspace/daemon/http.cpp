// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/http.h"

#include <algorithm>
#include <charconv>

namespace edgefw::daemon {
namespace {

constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;
constexpr int kMethodNotAllowed = 405;
constexpr int kHeadTooLong = 431;

const char* reason_of(int status) {
    switch (status) {
        case 200:
            return "OK";
        case kBadRequest:
            return "Bad Request";
        case kNotFound:
            return "Not Found";
        case kMethodNotAllowed:
            return "Method Not Allowed";
        case kHeadTooLong:
            return "Request Header Fields Too Large";
        case 503:
            return "Service Unavailable";
        default:
            return "Internal Server Error";
    }
}

// The path and the query of a request's target (RFC 9112 section 3.2.2): "/metrics" and "x=y" in "/metrics?x=y" and
// "http://host:9477/metrics?x=y".
void read_target(std::string_view target, HttpRequest& request) {
    constexpr std::string_view kScheme = "http://";
    if (target.starts_with(kScheme)) {
        target.remove_prefix(kScheme.size());
        target.remove_prefix(std::min(target.find('/'), target.size()));
    }
    target = target.substr(0, target.find('#'));
    const std::size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
}

std::string hex_of(std::size_t number) {
    char digits[2 * sizeof(number)];
    return {digits, std::to_chars(digits, digits + sizeof(digits), number, 16).ptr};
}

}  // namespace

std::optional<std::size_t> head_length(std::string_view text) {
    // A line may end with LF alone (RFC 9112 section 2.2).
    for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
        std::size_t next = at + 1;
        if (next < text.size() && text[next] == '\r') ++next;
        if (next < text.size() && text[next] == '\n') return next + 1;
    }
    return std::nullopt;
}

HttpRequest parse_head(std::string_view head) {
    HttpRequest request;
    std::string_view line = head.substr(0, head.find('\n'));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t first = line.find(' ');
    const std::size_t second = line.rfind(' ');
    if (first == std::string_view::npos || first == second || !line.substr(second + 1).starts_with("HTTP/1.")) {
        request.refusal = kBadRequest;
        return request;
    }
    const std::string_view method = line.substr(0, first);
    read_target(line.substr(first + 1, second - first - 1), request);
    request.takes_chunks = line.substr(second + 1) != "HTTP/1.0";
    request.without_body = method == "HEAD";
    if (method != "GET" && method != "HEAD") request.refusal = kMethodNotAllowed;
    return request;
}

HttpAnswer refusal(int status) {
    return {status, "text/plain; charset=utf-8", std::string(reason_of(status)) + "\n"};
}

bool has_parameter(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const std::string_view parameter = query.substr(0, query.find('&'));
        if (parameter.substr(0, parameter.find('=')) == name) return true;
        query.remove_prefix(std::min(parameter.size() + 1, query.size()));
    }
    return false;
}

std::string to_wire(const HttpAnswer& answer, const HttpRequest& request) {
    std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " " + reason_of(answer.status) + "\r\n";
    text += "Content-Type: " + answer.type + "\r\n";
    // Without either the answer ends with the connection.
    if (answer.body == nullptr)
        text += "Content-Length: " + std::to_string(answer.text.size()) + "\r\n";
    else if (request.takes_chunks)
        text += "Transfer-Encoding: chunked\r\n";
    if (answer.status == kMethodNotAllowed) text += "Allow: GET, HEAD\r\n";
    text += "Connection: close\r\n\r\n";
    if (!request.without_body) text += answer.text;
    return text;
}

std::string to_wire(std::string piece, const HttpRequest& request) {
    if (!request.takes_chunks) return piece;
    piece.insert(0, hex_of(piece.size()) + "\r\n");
    return piece += "\r\n";
}

}  // namespace edgefw::daemon
