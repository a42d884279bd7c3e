// SPDX-License-Identifier: GPL-2.0-only
// The examples of docs/*.md, which end here as the documents say. An example is a fenced block ```edgefw:
//
//     attached without a policy                    as its first line: the card learns, and adopts after the first push
//     push                                         the indented lines below it are a policy, put in force at once
//         rules: [...]
//     PACKET [about PACKET]  # VERDICT REASON ...  in the order in which they are judged; `about`: an ICMP error quotes
//     it
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "tests/kernel/test_run.h"
#include "userspace/kernel/clock.h"
#include "userspace/kernel/door.h"

namespace edgefw::test {
namespace {

constexpr std::string_view kFence = "```";
constexpr std::string_view kIndent = "    ";
constexpr std::size_t kEthernet = 14;

struct Line {
    std::string where;  // docs/semantics.md:57
    std::string text;
};
using Example = std::vector<Line>;

std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(' ');
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// The examples of one document, each line without the indent of its fence.
std::vector<Example> read_examples(const std::filesystem::path& path) {
    std::vector<Example> examples;
    std::ifstream file(path);
    bool is_inside = false;
    std::size_t indent = 0;
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
        const bool is_fence = trimmed(line).starts_with(kFence);
        if (is_inside && is_fence) {
            is_inside = false;
        } else if (is_inside) {
            const std::string where = path.filename().string() + ":" + std::to_string(number);
            examples.back().push_back({where, line.size() > indent ? line.substr(indent) : ""});
        } else if (trimmed(line) == std::string(kFence) + "edgefw") {
            is_inside = true;
            indent = line.find(kFence);
            examples.emplace_back();
        }
    }
    EXPECT_FALSE(is_inside) << path << ": an example without an end";
    return examples;
}

// An ICMP error with the ends, type and code of `error`, about a packet as it was on the wire.
Bytes error_about(const packet::Packet& error, const packet::Packet& packet) {
    const Bytes quoted = packet::frame(packet);
    return frame(Ethernet{}, Ipv4{.source = error.source.to_text(), .destination = error.destination.to_text()},
                 Icmp{.type = error.icmp_type, .code = error.icmp_code, .id = 0},
                 Payload{Bytes(quoted.begin() + kEthernet, quoted.end())});
}

// One example, run on a card of its own.
class Telling {
public:
    void tell(const Example& example) {
        for (std::size_t at = 0; at < example.size();) {
            const Line& line = example[at++];
            if (line.text == "attached without a policy") {
                adopts_ = true;
            } else if (line.text == "push") {
                std::string policy;
                for (; at < example.size() && example[at].text.starts_with(kIndent); ++at)
                    policy += example[at].text.substr(kIndent.size()) + "\n";
                const policy::Policy next = policy_of(policy);
                run_.retain(next.rollback_grace);
                run_.push(next);
                if (adopts_) run_.adopt_until(kernel::uptime() + 60);
            } else if (!line.text.empty()) {
                judge(line);
            }
        }
        EXPECT_GT(packets_, 0) << example.front().where << ": an example without a packet";
    }

private:
    void judge(const Line& line) {
        constexpr std::string_view kAbout = " about ";
        const std::size_t comment = line.text.find('#');
        ASSERT_NE(comment, std::string::npos) << line.where << ": a packet needs its verdict after #: " << line.text;
        const std::string notation = trimmed(line.text.substr(0, comment));
        const std::string expected = trimmed(line.text.substr(comment + 1));
        const std::size_t about = notation.find(kAbout);
        const auto packet = packet::parse(notation.substr(0, about));
        ASSERT_TRUE(packet) << line.where << ": " << packet.error().message;
        ++packets_;
        if (about == std::string::npos) {
            EXPECT_EQ(run_.judge(*packet), expected) << line.where << ": " << notation;
            return;
        }
        const auto quoted = packet::parse(notation.substr(about + kAbout.size()));
        ASSERT_TRUE(quoted) << line.where << ": " << quoted.error().message;
        EXPECT_EQ(run_.judge(packet->hook(), error_about(*packet, *quoted)), expected)
            << line.where << ": " << notation;
    }

    TestRun run_;
    bool adopts_ = false;
    int packets_ = 0;
};

TEST(Semantics, TheExamplesOfTheDocuments) {
    std::vector<std::filesystem::path> documents;
    for (const auto& entry : std::filesystem::directory_iterator(EDGEFW_SOURCE_DIR "/docs"))
        if (entry.path().extension() == ".md") documents.push_back(entry.path());
    std::sort(documents.begin(), documents.end());
    std::size_t of_semantics = 0;
    for (const auto& document : documents) {
        const std::vector<Example> examples = read_examples(document);
        for (const Example& example : examples) {
            ASSERT_FALSE(example.empty()) << document << ": an empty example";
            Telling().tell(example);
        }
        if (document.filename() == "semantics.md") of_semantics = examples.size();
    }
    EXPECT_GE(of_semantics, 5u) << "each matter of step 6 has an example";
}

}  // namespace
}  // namespace edgefw::test
