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
    const char* query = "";
};

TEST(HttpHead, IsReadOrRefused) {
    for (const HeadRow& row : {
             HeadRow{"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "/metrics", 0},
             HeadRow{"HEAD /healthz HTTP/1.0\r\n\r\n", "/healthz", 0},
             HeadRow{"GET /metrics?name=x HTTP/1.1\n\n", "/metrics", 0, "name=x"},
             HeadRow{"GET http://host:9477/metrics?a&b#c HTTP/1.1\r\n\r\n", "/metrics", 0, "a&b"},
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
        EXPECT_EQ(request.query, row.query) << row.text;
    }
}

TEST(HttpHead, EndsWithAnEmptyLine) {
    EXPECT_EQ(head_length("GET / HTTP/1.1\r\nHost: a\r\n\r\nmore"), 27u);
    EXPECT_EQ(head_length("GET / HTTP/1.1\nHost: a\n\n"), 24u);
    for (const char* part : {"", "GET / HTTP/1.1", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r"})
        EXPECT_FALSE(head_length(part)) << part;
}

TEST(HttpQuery, HasAParameter) {
    for (const char* query : {"nonzero", "nonzero=1", "nonzero=", "a=b&nonzero", "a&nonzero&b", "&nonzero"})
        EXPECT_TRUE(has_parameter(query, "nonzero")) << query;
    for (const char* query : {"", "&", "nonzer", "nonzero2", "a=nonzero", "a=b&", "Nonzero"})
        EXPECT_FALSE(has_parameter(query, "nonzero")) << query;
}

const HttpRequest kNewer = parse_head("GET /a HTTP/1.1\r\n\r\n");
const HttpRequest kOlder = parse_head("GET /a HTTP/1.0\r\n\r\n");
const HttpRequest kHead = parse_head("HEAD /a HTTP/1.1\r\n\r\n");

TEST(HttpAnswerText, SaysItsLengthAndThatTheConnectionEnds) {
    const HttpAnswer answer{503, "text/plain", "closed\n"};
    EXPECT_EQ(to_wire(answer, kNewer),
              "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n"
              "Connection: close\r\n\r\nclosed\n");
    EXPECT_THAT(to_wire(answer, kHead), Not(HasSubstr("closed\n")));
    EXPECT_THAT(to_wire(refusal(405), kNewer), HasSubstr("\r\nAllow: GET, HEAD\r\n"));
    EXPECT_THAT(to_wire(refusal(431), kNewer), StartsWith("HTTP/1.1 431 "));
}

class NoText : public Body {
    std::string read(Place& /*place*/) const override { return ""; }
};

// RFC 9112 section 7.1; HTTP/1.0 knows no chunks, there the end of the connection ends the body.
TEST(HttpAnswerText, ABodyGoesInChunksToWhoKnowsThem) {
    const HttpAnswer answer{200, "text/plain", "", std::make_shared<NoText>()};
    EXPECT_EQ(to_wire(answer, kNewer),
              "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
              "Connection: close\r\n\r\n");
    EXPECT_EQ(to_wire(answer, kOlder), "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(to_wire(std::string(26, 'x'), kNewer), "1a\r\n" + std::string(26, 'x') + "\r\n");
    EXPECT_EQ(to_wire(std::string(), kNewer), "0\r\n\r\n");
    EXPECT_EQ(to_wire(std::string("x"), kOlder), "x");
    EXPECT_EQ(to_wire(std::string(), kOlder), "");
}

}  // namespace
}  // namespace edgefw::daemon
