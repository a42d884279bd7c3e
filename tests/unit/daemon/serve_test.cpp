// SPDX-License-Identifier: GPL-2.0-only
// The whole service against a host in memory: real sockets on the loopback address, real signals.
#include "userspace/daemon/serve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <spdlog/sinks/ostream_sink.h>

#include <csignal>
#include <future>
#include <regex>
#include <sstream>

#include "tests/unit/show/cards.h"

namespace edgefw::daemon {
namespace {

using testing::HasSubstr;

struct AddressRow {
    const char* text;
    const char* host;
    int port;
};

TEST(ListenAddressText, IsAddressAndPort) {
    for (const AddressRow& row : {AddressRow{"127.0.0.1:9477", "127.0.0.1", 9477}, AddressRow{"[::1]:1", "::1", 1},
                                  AddressRow{":9477", "0.0.0.0", 9477}, AddressRow{"localhost:0", "localhost", 0}}) {
        const Result<ListenAddress> address = parse_listen_address(row.text);
        ASSERT_TRUE(address) << row.text;
        EXPECT_EQ(address->host, row.host);
        EXPECT_EQ(address->port, row.port);
    }
    for (const char* bad :
         {"", "9477", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:9477", "127.0.0.1:94x"}) {
        const Result<ListenAddress> address = parse_listen_address(bad);
        ASSERT_FALSE(address) << bad;
        EXPECT_EQ(address.error().kind, ErrorKind::kUsage);
        EXPECT_THAT(address.error().message, HasSubstr("127.0.0.1:9477"));
    }
}

class Serve : public testing::Test {
protected:
    Serve() : log("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(messages)) { log.set_pattern("%v"); }

    static Service service() {
        kernel::Status status;
        status.cards.push_back({show::external_card(), {}});
        return {{"127.0.0.1", 0},
                {[] { return std::vector<kernel::CardCounters>{show::external_counters()}; },
                 [status](bool) { return status; }},
                "0.1.0",
                std::nullopt};
    }

    std::ostringstream messages;
    spdlog::logger log;
};

// Plays the client and the service manager: asks, then ends the service in the thread that runs it.
class Client : public spdlog::sinks::base_sink<std::mutex> {
public:
    explicit Client(std::function<void(int port)> ask) : ask_(std::move(ask)) {}
    ~Client() override {
        if (asking_.valid()) asking_.get();
    }

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        const std::string text(message.payload.data(), message.payload.size());
        std::smatch found;
        if (asking_.valid() || !std::regex_search(text, found, std::regex("port ([0-9]+)"))) return;
        const int port = std::stoi(found[1]);
        const pid_t process = getpid();
        asking_ = std::async(std::launch::async, [this, port, process] {
            ask_(port);
            kill(process, SIGTERM);
        });
    }
    void flush_() override {}

private:
    std::function<void(int)> ask_;
    std::future<void> asking_;
};

TEST_F(Serve, AnswersAndEndsCleanlyOnSigterm) {
    int asked = 0;
    spdlog::logger log("test", std::make_shared<Client>([&](int port) {
                           httplib::Client client("127.0.0.1", port);
                           const auto metrics = client.Get("/metrics");
                           ASSERT_TRUE(metrics);
                           EXPECT_EQ(metrics->status, 200);
                           EXPECT_EQ(metrics->get_header_value("Content-Type"),
                                     "text/plain; version=0.0.4; charset=utf-8");
                           EXPECT_THAT(metrics->body, HasSubstr("rule=\"admin-ssh\""));
                           const auto health = client.Get("/healthz");
                           ASSERT_TRUE(health);
                           EXPECT_EQ(health->status, 200);
                           EXPECT_EQ(health->body, "ok\n");
                           const auto other = client.Get("/other");
                           ASSERT_TRUE(other);
                           EXPECT_EQ(other->status, 404);
                           ++asked;
                       }));
    EXPECT_TRUE(serve(service(), log));
    EXPECT_EQ(asked, 1);
}

TEST_F(Serve, AnAddressInUseIsOneClearLine) {
    int asked = 0;
    spdlog::logger log("test", std::make_shared<Client>([&](int port) {
                           Service second = service();
                           second.address.port = static_cast<std::uint16_t>(port);
                           const Result<Ok> done = serve(std::move(second), this->log);
                           ASSERT_FALSE(done);
                           EXPECT_EQ(done.error().kind, ErrorKind::kFailed);
                           EXPECT_THAT(done.error().message, HasSubstr("is another edgefw serve running?"));
                           ++asked;
                       }));
    EXPECT_TRUE(serve(service(), log));
    EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace edgefw::daemon
