// SPDX-License-Identifier: GPL-2.0-only
#include "bench/control_plane.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <map>

#include "bench/instance.h"
#include "bench/packet_path.h"
#include "bench/services.h"
#include "userspace/document/document.h"
#include "userspace/engine/load.h"
#include "userspace/image/compile.h"
#include "userspace/image/image.h"
#include "userspace/kernel/door.h"
#include "userspace/profile/profile_path.h"

namespace edgefw::bench {
namespace {

constexpr std::uint32_t kRules = 10'000;
constexpr int kRepetitions = 5;  // the best counts
constexpr double kPushTarget = 1.0;

// Keeps the best repetition of each benchmark, prints nothing.
class BestOf : public benchmark::BenchmarkReporter {
public:
    struct Times {
        double real = std::numeric_limits<double>::infinity();
        double processor = std::numeric_limits<double>::infinity();
    };

    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const auto& run : runs) {
            if (run.run_type != Run::RT_Iteration) continue;
            const auto iterations = static_cast<double>(run.iterations);
            Times& best = best_[run.run_name.function_name];
            best.real = std::min(best.real, run.real_accumulated_time / iterations);
            best.processor = std::min(best.processor, run.cpu_accumulated_time / iterations);
        }
    }
    const Times& best(const std::string& name) const { return best_.at(name); }

private:
    std::map<std::string, Times> best_;
};

Result<kernel::Compiled> compiled(const policy::Policy& policy) {
    auto image = image::compile(policy);
    if (!image) return image.error();
    return kernel::Compiled{std::move(*image), document::write(policy).dump(), policy.digest, "",
                            document::list(policy)};
}

// One stage that can fail; the first failure ends the benchmark.
struct Stage {
    const char* name;
    std::function<Result<Ok>()> run;
    double target = 0;
};

void add(const Stage& stage, Result<Ok>& result) {
    benchmark::RegisterBenchmark(stage.name,
                                 [&stage, &result](benchmark::State& state) {
                                     for (auto iteration : state) {
                                         static_cast<void>(iteration);
                                         if (result) result = stage.run();
                                     }
                                 })
        ->Iterations(1)
        ->Repetitions(kRepetitions)
        ->UseRealTime();
}

Result<std::vector<Duration>> time_stages(const std::vector<Stage>& stages) {
    Result<Ok> result = Ok{};
    for (const auto& stage : stages)
        add(stage, result);
    BestOf reporter;
    benchmark::RunSpecifiedBenchmarks(&reporter, ".");
    benchmark::ClearRegisteredBenchmarks();
    if (!result) return result.error();
    std::vector<Duration> durations;
    for (const auto& stage : stages) {
        const BestOf::Times& best = reporter.best(stage.name);
        durations.push_back({stage.name, best.real, best.processor, stage.target});
    }
    return durations;
}

template <typename T>
Result<Ok> done(const Result<T>& result) {
    if (!result) return result.error();
    return Ok{};
}

}  // namespace

Result<std::vector<Duration>> measure_control_plane(const Lab&) {
    const std::string yaml = yaml_of(further_services(kRules));
    const policy::ProfilePath profiles = policy::ProfilePath::standard();
    auto policy = engine::load_policy({"bench.yaml", yaml}, profiles);
    if (!policy) return policy.error();
    auto ready = compiled(*policy);
    if (!ready) return ready.error();
    kernel::AttachRequest request;
    request.interface = Lab::kReceiver;
    if (auto card = kernel::attach(request); !card) return card.error();

    const std::vector<Stage> stages = {
        {"read and check the YAML",
         [&] {
             return done(engine::load_policy({"bench.yaml", yaml}, profiles));
         }},
        {"compile", [&] { return done(image::compile(*policy)); }},
        {"write the document",
         [&] {
             benchmark::DoNotOptimize(document::write(*policy).dump());
             return Result<Ok>(Ok{});
         }},
        {"push", [&] { return done(kernel::push(*ready, std::nullopt)); }},
        {"compile and push",
         [&]() -> Result<Ok> {
             auto fresh = compiled(*policy);
             if (!fresh) return fresh.error();
             return done(kernel::push(*fresh, std::nullopt));
         },
         kPushTarget},
        {"all of it, from YAML into force",
         [&]() -> Result<Ok> {
             auto loaded = engine::load_policy({"bench.yaml", yaml}, profiles);
             if (!loaded) return loaded.error();
             auto fresh = compiled(*loaded);
             if (!fresh) return fresh.error();
             return done(kernel::push(*fresh, std::nullopt));
         },
         kPushTarget},
    };
    auto durations = time_stages(stages);
    if (auto detached = kernel::detach(Lab::kReceiver); !detached) return detached.error();
    return durations;
}

Result<std::vector<Memory>> measure_memory() {
    std::vector<Memory> all;
    for (const std::uint32_t further : kFurtherRules) {
        auto instance = Instance::load(policy_of(further_services(further)));
        if (!instance) return instance.error();
        auto rules = instance->rule_bytes();
        if (!rules) return rules.error();
        auto card = instance->card_bytes();
        if (!card) return card.error();
        all.push_back({further, *rules, *card});
    }
    return all;
}

}  // namespace edgefw::bench
