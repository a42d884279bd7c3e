#include "userspace/cli/push.h"

#include "userspace/cli/prepare.h"
#include "userspace/image/image.h"
#include "userspace/observe/status.h"

namespace edgefw::cli {
namespace {

using nlohmann::ordered_json;

std::optional<std::string> named(const std::string& interface) {
    if (interface.empty()) return std::nullopt;
    return interface;
}

// Empty where nothing is in force to compare with.
Result<std::string> document_to_compare(const std::optional<std::string>& interface) {
    if (!interface) {
        const Result<std::uint32_t> generation = kernel::generation_in_force();
        if (!generation) return generation.error();
        if (*generation == 0) return std::string();
    }
    return kernel::document_in_force(interface);
}

Result<Ok> dry_run(const PushOptions& options, const Prepared& prepared, Context& context) {
    const Result<std::string> in_force = document_to_compare(named(options.interface));
    if (!in_force) return in_force.error();
    const std::string delta = image::delta_text(*in_force, prepared.compiled.document);
    if (context.options.json) {
        context.out.write(ordered_json{{"digest", prepared.policy.digest}, {"changes", delta}}.dump(2) + "\n");
    } else {
        context.out.write(delta.empty() ? "nothing would change\n" : delta);
    }
    return Ok{};
}

Result<Ok> take_over(const kernel::Compiled& policy, Context& context) {
    const Result<std::vector<std::string>> taken = kernel::upgrade(policy);
    if (!taken) return taken.error();
    for (const std::string& interface : *taken)
        context.log.warn(
            "warning: {} was attached by another version of edgefw: its counters begin at 0, its connections "
            "are judged anew",
            interface);
    return Ok{};
}

void print(const kernel::PushReport& report, Context& context) {
    if (context.options.json) {
        ordered_json interfaces = ordered_json::array();
        for (const kernel::Card& card : report.cards)
            interfaces.push_back(observe::card_json(card));
        context.out.write(ordered_json{{"generation", report.generation}, {"interfaces", interfaces}}.dump(2) + "\n");
        return;
    }
    std::string cards;
    for (const kernel::Card& card : report.cards) {
        cards += (cards.empty() ? "" : ", ") + observe::card_text(card);
    }
    context.out.write("generation " + std::to_string(report.generation) + " is in force on " + cards + "\n");
}

}  // namespace

Result<Ok> run(const PushOptions& options, Context& context) {
    const Result<Prepared> prepared = prepare_and_test(options.policy, context);
    if (!prepared) return prepared.error();
    if (options.dry_run) return dry_run(options, *prepared, context);
    if (options.upgrade) {
        const Result<Ok> taken_over = take_over(prepared->compiled, context);
        if (!taken_over) return taken_over;
    }
    const Result<kernel::PushReport> report = kernel::push(prepared->compiled, named(options.interface));
    if (!report) return report.error();
    if (!report->warning.empty()) context.log.warn("warning: {}", report->warning);
    print(*report, context);
    return Ok{};
}

}  // namespace edgefw::cli
