// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/replay.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iostream>
#include <optional>

#include "userspace/capture/frame.h"
#include "userspace/capture/reader.h"
#include "userspace/cli/build.h"
#include "userspace/cli/replay_judge.h"
#include "userspace/engine/tally.h"
#include "userspace/packet/frame_text.h"
#include "userspace/show/replay.h"

namespace edgefw::cli {
namespace {

using Clock = std::chrono::steady_clock;

// What the command line leaves open, in words.
Result<Ok> check(const ReplayOptions& options) {
    const auto usage = [](const std::string& message) { return Error{ErrorKind::kUsage, message}; };
    if (options.policies.size() > 2) return usage("replay compares two policies: give --policy once or twice");
    if (options.in_force && options.policies.size() != 1)
        return usage("--in-force goes with one --policy, the new one; without any, what is in force judges alone");
    if (!options.interface.empty() && !options.in_force && !options.policies.empty())
        return usage(
            "--iface says of which card what is in force is asked: it goes with --in-force, or without --policy");
    if (options.file != "-") return Ok{};
    for (const std::string& policy : options.policies) {
        if (policy == "-") return usage("standard input cannot be the capture and a policy: name one of the two files");
    }
    return Ok{};
}

class Judges {
public:
    // Of --policy and of what is in force, the older one first.
    static Result<Judges> load(const ReplayOptions& options, Context& context) {
        Judges judges;
        if (options.policies.empty() || options.in_force) {
            std::optional<std::string> interface;
            if (!options.interface.empty()) interface = options.interface;
            if (auto done = judges.add("in force", ReplayJudge::in_force(interface)); !done) return done.error();
        }
        for (const std::string& file : options.policies) {
            const Result<engine::Built> built = engine::build({file}, world_of(context));
            if (!built) return built.error();
            if (auto done = judges.add(file, ReplayJudge::of(*built)); !done) return done.error();
        }
        return judges;
    }

    const std::vector<std::string>& names() const { return names_; }
    const std::vector<ReplayJudge>& all() const { return judges_; }
    // What each says of the packet judged last.
    const std::vector<kernel::Judgement>& judgements() const { return judgements_; }

    // False: one of them cannot judge it.
    Result<bool> judge(std::uint64_t number, policy::Side side, edgefw_hook hook,
                       const std::vector<std::uint8_t>& frame) {
        bool all = true;
        for (std::size_t i = 0; i < judges_.size(); ++i) {
            Result<std::optional<kernel::Judgement>> judgement = judges_[i].judge(number, side, hook, frame);
            if (!judgement) return judgement.error();
            all = all && *judgement;
            if (*judgement) judgements_[i] = std::move(**judgement);
        }
        return all;
    }

private:
    Result<Ok> add(std::string name, Result<ReplayJudge> judge) {
        if (!judge) return judge.error();
        judges_.push_back(std::move(*judge));
        names_.push_back(std::move(name));
        judgements_.emplace_back();
        return Ok{};
    }

    std::vector<ReplayJudge> judges_;
    std::vector<std::string> names_;
    std::vector<kernel::Judgement> judgements_;
};

// Judges the packets of one capture, in order.
class Replayer {
public:
    Replayer(policy::Side side, capture::Locals locals, Judges& judges)
        : side_(side), locals_(std::move(locals)), judges_(judges), tally_(judges.names().size()) {}

    Result<Ok> replay(capture::Reader& reader) {
        while (true) {
            const Result<const capture::Record*> record = reader.next();
            if (!record) return record.error();
            if (*record == nullptr) return Ok{};
            if (auto done = judge(**record); !done) return done;
        }
    }

    const engine::Tally& tally() const { return tally_; }

private:
    Result<Ok> judge(const capture::Record& record) {
        const Result<capture::Frame> frame = capture::frame_of(record);
        if (!frame) {
            tally_.leave_out(record.number, frame.error().message);
            return Ok{};
        }
        const capture::Way way = way_of(*frame);
        if (way == capture::Way::kUnknown) return leave_out_without_way(record.number);
        const edgefw_hook hook = way == capture::Way::kReceived ? EDGEFW_RECEIVED : EDGEFW_SENT;
        const Result<bool> judged = judges_.judge(record.number, side_, hook, frame->bytes);
        if (!judged) return judged.error();
        if (!*judged) {
            tally_.leave_out(record.number,
                             "this kernel does not test-run a frame of its length, and what is in force cannot be "
                             "judged in user space");
            return Ok{};
        }
        if (frame->filled_up) tally_.count_filled_up();
        count(record, *frame, policy::direction_of(side_, hook));
        return Ok{};
    }

    void count(const capture::Record& record, const capture::Frame& frame, policy::Direction direction) {
        engine::CountedPacket packet{record.number, direction, record.wire_length};
        if (record.passed) packet.verdict = *record.passed ? policy::Action::kPass : policy::Action::kDrop;
        packet.text = [&] { return packet::frame_text(frame.bytes, side_, direction); };
        tally_.add(packet, judges_.judgements());
    }

    // A capture whose first packet does not say it says it of none, mostly: nobody is helped by a page of zeros.
    Result<Ok> leave_out_without_way(std::uint64_t number) {
        if (!locals_.empty()) {
            tally_.leave_out(number, "of its ends none is --local, or both are");
            return Ok{};
        }
        if (tally_.judged() != 0) {
            tally_.leave_out(number, "the capture does not say which way it went, and no --local is given");
            return Ok{};
        }
        return Error{ErrorKind::kUsage, "the capture does not say which way packet " + std::to_string(number) +
                                            " went: give --local with the MAC address of the card that was captured "
                                            "on, or with the networks behind it"};
    }

    // --local first: it was given by somebody who knows.
    capture::Way way_of(const capture::Frame& frame) const {
        const capture::Way way = locals_.way_of(frame.bytes);
        return way == capture::Way::kUnknown ? frame.way : way;
    }

    policy::Side side_;
    capture::Locals locals_;
    Judges& judges_;
    engine::Tally tally_;
};

// Where the policies were judged, as it is printed.
std::vector<show::ReplayedPolicy> policies_of(const Judges& judges) {
    std::vector<show::ReplayedPolicy> policies;
    for (std::size_t i = 0; i < judges.names().size(); ++i) {
        const ReplayJudge& judge = judges.all()[i];
        policies.push_back({judges.names()[i], judge.why_in_user_space(), judge.refused(), judge.first_refused(),
                            judge.refused_length()});
    }
    return policies;
}

void print(const engine::Tally& tally, const show::ReplayNames& names, Context& context) {
    if (!context.options.json) {
        context.out.write(show::replay_text(tally, names, context.out.width()));
        return;
    }
    context.out.write(
        show::replay_json(tally, names).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

Result<Ok> replay(std::istream& file, const std::string& name, const ReplayOptions& options, Context& context) {
    Result<capture::Locals> locals = capture::Locals::parse(options.local);
    if (!locals) return locals.error();
    Result<capture::Reader> reader = capture::Reader::open(file, name);
    if (!reader) return reader.error();
    Result<Judges> judges = Judges::load(options, context);
    if (!judges) return judges.error();
    const Clock::time_point begin = Clock::now();
    Replayer replayer(options.side, std::move(*locals), *judges);
    const Result<Ok> done = replayer.replay(*reader);
    const engine::Tally& tally = replayer.tally();
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count();
    context.log.debug("replay: {} packets judged in {} ms, {} a second", tally.judged(), took,
                      tally.judged() * 1000 / static_cast<std::uint64_t>(std::max<std::int64_t>(1, took)));
    const bool is_something = tally.judged() != 0 || !tally.not_judged().empty();
    if (done || is_something) print(tally, {name, policies_of(*judges), done ? "" : done.error().message}, context);
    if (!done) return done;
    if (tally.judged() == 0 && is_something) return failed("no packet of " + name + " was judged, as said above");
    return Ok{};
}

}  // namespace

Result<Ok> run(const ReplayOptions& options, Context& context) {
    if (auto done = check(options); !done) return done;
    if (options.file == "-") {
        std::ios::sync_with_stdio(false);  // read in pieces, not byte by byte
        return replay(std::cin, "standard input", options, context);
    }
    std::ifstream file(options.file, std::ios::binary);
    if (!file) return failed("cannot read " + options.file + ": " + std::strerror(errno));
    return replay(file, options.file, options, context);
}

}  // namespace edgefw::cli
