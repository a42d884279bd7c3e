// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/explain.h"

#include <unistd.h>

#include <cstring>

#include "userspace/cli/build.h"
#include "userspace/cli/lines.h"
#include "userspace/cli/policy_judge.h"
#include "userspace/kernel/door.h"
#include "userspace/packet/notation.h"
#include "userspace/show/explain.h"

namespace edgefw::cli {
namespace {

// With --fresh a table holds one packet's connection at most, and emptying a small one is quick.
constexpr std::uint32_t kFreshConnections = 1024;

constexpr std::string_view kSpace = " \t\r";

Result<PolicyJudge> make_judge(const ExplainOptions& options, Context& context) {
    const std::uint32_t connections = options.fresh ? kFreshConnections : EDGEFW_CONNECTIONS_DEFAULT;
    if (!options.policy.empty()) {
        const Result<engine::Built> built = engine::build({options.policy}, world_of(context));
        if (!built) return built.error();
        Result<PolicyJudge> judge = PolicyJudge::of(built->compiled, connections);
        if (judge && !judge->why_in_user_space().empty())
            context.log.warn("judged in user space: {}", judge->why_in_user_space());
        return judge;
    }
    std::optional<std::string> interface;
    if (!options.interface.empty()) interface = options.interface;
    Result<kernel::Judge> judge = kernel::Judge::in_force(interface, connections);
    if (!judge) return judge.error();
    return PolicyJudge(std::move(*judge));
}

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

// Judges packets in order and prints each answer.
class Explainer {
public:
    Explainer(PolicyJudge judge, bool fresh, Context& context)
        : judge_(std::move(judge)), fresh_(fresh), context_(context) {}

    // `text` is `packet` as it was written.
    Result<Ok> explain(std::string_view text, const packet::Packet& packet) {
        if (fresh_) {
            if (auto done = judge_.forget(); !done) return done.error();
        }
        const bool json = context_.options.json;
        const Result<kernel::Judgement> judgement =
            judge_.judge(packet.side, packet.hook(), packet::frame(packet), true);
        if (!judgement) return judgement.error();
        context_.out.write(json ? show::judgement_json(text, packet, *judgement)
                                : show::judgement_text(text, packet, *judgement));
        return Ok{};
    }

private:
    PolicyJudge judge_;
    bool fresh_;
    Context& context_;
};

Result<std::vector<packet::Packet>> parse_all(const std::vector<std::string>& texts) {
    std::vector<packet::Packet> packets;
    for (const std::string& text : texts) {
        const Result<packet::Packet> packet = packet::parse(text);
        if (!packet) return packet.error();
        packets.push_back(*packet);
    }
    return packets;
}

// A line that is no packet is reported with its number and left out; the others are judged.
Result<Ok> explain_lines(Lines& lines, Explainer& explainer, Context& context) {
    std::size_t bad = 0;
    while (true) {
        if (!lines.has_line() && !context.out.flush()) return Ok{};
        const std::optional<std::string_view> line = lines.next();
        if (!line) break;
        const std::string_view text = trimmed(*line);
        if (text.empty() || text.starts_with('#')) continue;
        const Result<packet::Packet> packet = packet::parse(text);
        if (!packet) {
            ++bad;
            context.log.error("line {}: {}", lines.number(), packet.error().message);
            continue;
        }
        if (auto done = explainer.explain(text, *packet); !done) return done.error();
    }
    if (lines.error() != 0) {
        return failed(std::string("cannot read standard input: ") + std::strerror(lines.error()));
    }
    if (bad == 0) return Ok{};
    return Error{ErrorKind::kUsage,
                 std::to_string(bad) + (bad == 1 ? " line is" : " lines are") + " no packet and not judged, see above"};
}

}  // namespace

Result<Ok> run(const ExplainOptions& options, Context& context) {
    if (options.packets.empty() && !options.batch) {
        return Error{ErrorKind::kUsage, "nothing to explain: give packets, each in quotes, or --batch"};
    }
    // First what is wrong on the command line, then what the kernel may refuse.
    const Result<std::vector<packet::Packet>> packets = parse_all(options.packets);
    if (!packets) return packets.error();
    Result<PolicyJudge> judge = make_judge(options, context);
    if (!judge) return judge.error();
    Explainer explainer(std::move(*judge), options.fresh, context);
    if (options.batch) {
        Lines lines(STDIN_FILENO);
        return explain_lines(lines, explainer, context);
    }
    for (std::size_t i = 0; i < packets->size(); ++i) {
        const std::string_view text = trimmed(options.packets[i]);
        if (auto done = explainer.explain(text, (*packets)[i]); !done) return done.error();
    }
    return Ok{};
}

}  // namespace edgefw::cli
