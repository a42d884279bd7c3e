// SPDX-License-Identifier: GPL-2.0-only
// Clients that do not what a client should, over real sockets: none of them keeps another one out.
#include "userspace/daemon/listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/socket.h>

#include <atomic>
#include <future>

namespace edgefw::daemon {
namespace {

using std::chrono::milliseconds;

constexpr const char* kPlain = "text/plain";

constexpr std::size_t kPieces = 256;

// 16 MiB. Counts the pieces that were read of all bodies of its page, and the bodies that live.
class LongBody : public Body {
public:
    LongBody(std::atomic<std::size_t>& pieces, std::atomic<int>& living) : pieces_(pieces), living_(living) {
        ++living_;
    }
    LongBody(const LongBody&) = delete;
    LongBody& operator=(const LongBody&) = delete;
    ~LongBody() override { --living_; }
    std::string read(Place& place) const override {
        if (place.row == kPieces) return "";
        ++pieces_;
        return std::string(kPieceBytes, static_cast<char>('a' + place.row++ % 26));
    }

private:
    std::atomic<std::size_t>& pieces_;
    std::atomic<int>& living_;
};

class ListenerTest : public testing::Test {
protected:
    // "/slow" waits until release(); "/long" is more than sockets buffer, and so is "/pieces", of which "?few" is
    // short.
    void start(Listener::Bounds bounds) {
        listener = std::make_unique<Listener>(
            std::vector<Page>{
                {"/healthz",
                 [] {
                     return HttpAnswer{200, kPlain, "ok\n"};
                 }},
                {"/slow",
                 [this] {
                     ++slow_answers;
                     is_released.wait();
                     return HttpAnswer{200, kPlain, "at last\n"};
                 }},
                {"/long",
                 [] {
                     return HttpAnswer{200, kPlain, std::string(16 << 20, 'x')};
                 }},
                {"/pieces",
                 [] {
                     return HttpAnswer{200, kPlain, "few\n"};
                 },
                 "few"},
                {"/pieces",
                 [this] {
                     return HttpAnswer{200, kPlain, "", std::make_shared<LongBody>(pieces, living)};
                 }},
            },
            bounds);
        const Result<int> bound = listener->bind({"127.0.0.1", 0});
        ASSERT_TRUE(bound);
        port = *bound;
        ASSERT_TRUE(listener->start());
    }

    Fd connect_from(const char* address = "127.0.0.1") const {
        Fd fd = Fd::own(socket(AF_INET, SOCK_STREAM, 0));
        sockaddr_in own{};
        own.sin_family = AF_INET;
        inet_pton(AF_INET, address, &own.sin_addr);
        EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
        inet_pton(AF_INET, "127.0.0.1", &own.sin_addr);
        own.sin_port = htons(static_cast<std::uint16_t>(port));
        EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
        const timeval longest{20, 0};
        setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
        return fd;
    }
    static bool says(const Fd& fd, std::string_view text) {
        return send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
    }
    // What the server sent until it closed.
    static std::string rest_of(const Fd& fd) {
        std::string text;
        char bytes[65536];
        for (ssize_t count = 0; (count = recv(fd.get(), bytes, sizeof bytes, 0)) > 0;)
            text.append(bytes, static_cast<std::size_t>(count));
        return text;
    }
    int status_of(const std::string& path) const {
        httplib::Client client("127.0.0.1", port);
        client.set_read_timeout(20);
        const auto answer = client.Get(path);
        return answer ? answer->status : 0;
    }

    // One that has asked for "/pieces" and has the first byte of the answer.
    Fd connect_for_pieces() const {
        Fd fd = connect_from();
        EXPECT_TRUE(says(fd, "GET /pieces HTTP/1.1\r\n\r\n"));
        char byte = 0;
        EXPECT_EQ(recv(fd.get(), &byte, 1, MSG_PEEK), 1);
        return fd;
    }

    int port = 0;
    std::atomic<std::size_t> pieces = 0;
    std::atomic<int> living = 0;
    std::atomic<int> slow_answers = 0;
    std::promise<void> released;
    std::shared_future<void> is_released = released.get_future().share();
    std::unique_ptr<Listener> listener;
};

// Bounds so wide that no deadline ends a connection within a test.
const Listener::Bounds kPatient{16, milliseconds(3600000), milliseconds(3600000)};

TEST_F(ListenerTest, IdleClientsKeepNobodyOut) {
    start(kPatient);
    std::vector<Fd> idle;
    for (int i = 0; i < 200; ++i)
        idle.push_back(connect_from());
    EXPECT_EQ(status_of("/healthz"), 200);
    EXPECT_EQ(rest_of(idle.front()), "") << "the oldest of them has gone";
}

TEST_F(ListenerTest, ManyOfOneAddressPushOutTheirOwn) {
    start(kPatient);
    const Fd other = connect_from("127.0.0.2");
    std::vector<Fd> idle;
    for (int i = 0; i < 200; ++i)
        idle.push_back(connect_from());
    EXPECT_EQ(status_of("/healthz"), 200);
    ASSERT_TRUE(says(other, "GET /healthz HTTP/1.1\r\n\r\n"));
    EXPECT_NE(rest_of(other).find("\r\n\r\nok\n"), std::string::npos);
}

TEST_F(ListenerTest, ARequestHasATimeHoweverOftenItGoesOn) {
    start({16, milliseconds(400), milliseconds(3600000)});
    const Fd slow = connect_from();
    ASSERT_TRUE(says(slow, "GET /healthz HTTP/1.1\r\n"));
    int lines = 0;
    char byte = 0;
    while (recv(slow.get(), &byte, 1, MSG_DONTWAIT) < 0 && says(slow, "X-Slow: 1\r\n") && ++lines < 1000)
        std::this_thread::sleep_for(milliseconds(20));
    EXPECT_LT(lines, 1000);
    EXPECT_GT(lines, 1);
    EXPECT_EQ(status_of("/healthz"), 200);
}

TEST_F(ListenerTest, WhoDoesNotReadItsAnswerHasATime) {
    start({16, milliseconds(3600000), milliseconds(2000)});
    std::vector<Fd> readers;
    for (int i = 0; i < 4; ++i) {
        readers.push_back(connect_from());
        ASSERT_TRUE(says(readers.back(), "GET /long HTTP/1.1\r\n\r\n"));
    }
    EXPECT_EQ(status_of("/healthz"), 200);
    // The time counts from the first byte of the answer, which a busy host may send late.
    for (const Fd& reader : readers) {
        char byte = 0;
        ASSERT_EQ(recv(reader.get(), &byte, 1, MSG_PEEK), 1);
    }
    std::this_thread::sleep_for(milliseconds(2500));
    for (const Fd& reader : readers)
        EXPECT_LT(rest_of(reader).size(), 16u << 20);
}

TEST_F(ListenerTest, ALongAnswerArrivesWhole) {
    start(kPatient);
    const Fd reader = connect_from();
    ASSERT_TRUE(says(reader, "GET /long HTTP/1.1\r\n\r\n"));
    EXPECT_GT(rest_of(reader).size(), 16u << 20);
}

TEST_F(ListenerTest, ABodyArrivesWholeInItsPieces) {
    start(kPatient);
    std::string expected;
    for (std::size_t i = 0; i < kPieces; ++i)
        expected.append(kPieceBytes, static_cast<char>('a' + i % 26));
    httplib::Client client("127.0.0.1", port);
    client.set_read_timeout(20);
    const auto answer = client.Get("/pieces");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->get_header_value("Transfer-Encoding"), "chunked");
    EXPECT_TRUE(answer->body == expected);
    const Fd older = connect_from();
    ASSERT_TRUE(says(older, "GET /pieces HTTP/1.0\r\n\r\n"));
    const std::string text = rest_of(older);
    EXPECT_TRUE(text.ends_with("\r\n\r\n" + expected));
    const Fd head = connect_from();
    ASSERT_TRUE(says(head, "HEAD /pieces HTTP/1.1\r\n\r\n"));
    EXPECT_TRUE(rest_of(head).ends_with("chunked\r\nConnection: close\r\n\r\n"));
}

TEST_F(ListenerTest, APageMayBeForOneParameter) {
    start(kPatient);
    for (const char* path : {"/pieces?few", "/pieces?a=b&few=1"}) {
        httplib::Client client("127.0.0.1", port);
        const auto answer = client.Get(path);
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->body, "few\n") << path;
    }
    EXPECT_EQ(pieces, 0u);
    EXPECT_EQ(status_of("/pieces?fewer"), 200) << "a parameter that no page knows is none";
    EXPECT_EQ(pieces, kPieces);
}

TEST_F(ListenerTest, WhoTakesNoPieceGetsNoFurtherOneMade) {
    start(kPatient);
    const Fd reader = connect_for_pieces();
    EXPECT_EQ(status_of("/healthz"), 200);
    EXPECT_EQ(status_of("/pieces"), 200) << "another one gets all of it meanwhile";
    EXPECT_LT(pieces, 2 * kPieces) << "the first one's are not made before it takes them";
}

TEST_F(ListenerTest, ABodyGoesWithItsClient) {
    start(kPatient);
    {
        const Fd reader = connect_for_pieces();
        EXPECT_EQ(living, 1);
    }
    for (int i = 0; i < 200 && living != 0; ++i)
        std::this_thread::sleep_for(milliseconds(50));
    EXPECT_EQ(living, 0);
    EXPECT_EQ(status_of("/healthz"), 200);
}

// The bodies that slow readers are in the middle of are bounded, not only the readers.
TEST_F(ListenerTest, ForOneBodyTooManyTheOldestGoes) {
    Listener::Bounds bounds = kPatient;
    bounds.bodies = 2;
    start(bounds);
    std::vector<Fd> readers;
    for (int i = 0; i < 4; ++i)
        readers.push_back(connect_for_pieces());
    EXPECT_LE(living, 3) << "one more while it is handed over";
    EXPECT_LT(rest_of(readers[0]).size(), 16u << 20);
    EXPECT_LT(rest_of(readers[1]).size(), 16u << 20);
    EXPECT_GT(rest_of(readers[2]).size(), 16u << 20);
    EXPECT_GT(rest_of(readers[3]).size(), 16u << 20);
}

// All that wait for one page get one answer: asking often costs the host no more than asking once.
TEST_F(ListenerTest, ASlowPageHoldsUpNoOther) {
    start(kPatient);
    std::vector<Fd> waiting;
    for (int i = 0; i < 8; ++i) {
        waiting.push_back(connect_from());
        ASSERT_TRUE(says(waiting.back(), "GET /slow HTTP/1.1\r\n\r\n"));
        while (slow_answers == 0)
            std::this_thread::yield();
    }
    EXPECT_EQ(status_of("/healthz"), 200);
    released.set_value();
    EXPECT_NE(rest_of(waiting.front()).find("at last"), std::string::npos);
}

// A client that goes and the end may wake the thread at the same moment. Nobody else wakes it then.
TEST_F(ListenerTest, EndsWhileAClientGoes) {
    for (int round = 0; round < 300; ++round) {
        start(kPatient);
        {
            const Fd client = connect_from();
            ASSERT_TRUE(says(client, "GET /healthz HTTP/1.1\r\n\r\n"));
            EXPECT_NE(rest_of(client), "");
        }
        const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(round * 100);
        while (std::chrono::steady_clock::now() < until) {
        }
        listener.reset();
    }
}

TEST_F(ListenerTest, WhatIsNoRequestIsRefused) {
    start(kPatient);
    EXPECT_EQ(status_of("/other"), 404);
    httplib::Client client("127.0.0.1", port);
    const auto posted = client.Post("/healthz", std::string(100000, 'x'), kPlain);
    ASSERT_TRUE(posted);
    EXPECT_EQ(posted->status, 405);
    const Fd endless = connect_from();
    ASSERT_TRUE(says(endless, "GET /healthz HTTP/1.1\r\nX-Long: " + std::string(kLongestHead, 'x')));
    EXPECT_EQ(rest_of(endless).substr(0, 13), "HTTP/1.1 431 ");
}

}  // namespace
}  // namespace edgefw::daemon
