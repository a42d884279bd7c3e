// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace edgefw::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct HeadRow {
    const char* text;
    const char* path;
    int refusal;
};

TEST(HttpHead, IsReadOrRefused) {
    for (const HeadRow& row : {
             HeadRow{"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "/metrics", 0},
             HeadRow{"HEAD /healthz HTTP/1.0\r\n\r\n", "/healthz", 0},
             HeadRow{"GET /metrics?name=x HTTP/1.1\n\n", "/metrics", 0},
             HeadRow{"GET http://host:9477/metrics HTTP/1.1\r\n\r\n", "/metrics", 0},
             HeadRow{"GET http://host HTTP/1.1\r\n\r\n", "", 0},
             HeadRow{"POST /metrics HTTP/1.1\r\n\r\n", "/metrics", 405},
             HeadRow{"GET /metrics HTTP/2.0\r\n\r\n", "", 400},
             HeadRow{"GET /metrics\r\n\r\n", "", 400},
             HeadRow{"\r\n\r\n", "", 400},
             HeadRow{"\x16\x03\x01\x02\r\n\r\n", "", 400},
         }) {
        const HttpRequest request = parse_head(row.text);
        EXPECT_EQ(request.path, row.path) << row.text;
        EXPECT_EQ(request.refusal, row.refusal) << row.text;
    }
}

TEST(HttpHead, EndsWithAnEmptyLine) {
    EXPECT_EQ(head_length("GET / HTTP/1.1\r\nHost: a\r\n\r\nmore"), 27u);
    EXPECT_EQ(head_length("GET / HTTP/1.1\nHost: a\n\n"), 24u);
    for (const char* part : {"", "GET / HTTP/1.1", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r"})
        EXPECT_FALSE(head_length(part)) << part;
}

TEST(HttpAnswerText, SaysItsLengthAndThatTheConnectionEnds) {
    const HttpAnswer answer{503, "text/plain", "closed\n"};
    EXPECT_EQ(to_wire(answer, false),
              "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n"
              "Connection: close\r\n\r\nclosed\n");
    EXPECT_THAT(to_wire(answer, true), Not(HasSubstr("closed\n")));
    EXPECT_THAT(to_wire(refusal(405), false), HasSubstr("\r\nAllow: GET, HEAD\r\n"));
    EXPECT_THAT(to_wire(refusal(431), false), StartsWith("HTTP/1.1 431 "));
}

}  // namespace
}  // namespace edgefw::daemon
