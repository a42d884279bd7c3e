// SPDX-License-Identifier: GPL-2.0-only
// Judging frames on the real programs, with private connections and counters: nothing live is touched.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf.h>
#include <sys/mman.h>

#include <cerrno>

#include "maps/decision.h"
#include "maps/limits.h"
#include "userspace/image/plan.h"
#include "userspace/kernel/config.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/errors.h"
#include "userspace/kernel/inventory.h"
#include "userspace/kernel/judgement.h"
#include "userspace/kernel/registry.h"
#include "userspace/kernel/variant.h"

namespace edgefw::kernel {
namespace {

constexpr std::size_t kMostFrame = 65536;

// The one record of the `decision` map, read where it lies.
class DecisionRecord {
public:
    static Result<DecisionRecord> create() {
        DecisionRecord record;
        auto map = create_map("decision");
        if (!map) return map.error();
        record.map_ = std::move(*map);
        void* memory = mmap(nullptr, sizeof(edgefw_decision), PROT_READ, MAP_SHARED, record.map_.fd(), 0);
        if (memory == MAP_FAILED) return system_error("mapping a map", errno);
        record.memory_ = static_cast<const volatile edgefw_decision*>(memory);
        return record;
    }
    DecisionRecord(DecisionRecord&& other) noexcept
        : map_(std::move(other.map_)), memory_(std::exchange(other.memory_, nullptr)) {}
    DecisionRecord& operator=(DecisionRecord&&) = delete;
    ~DecisionRecord() {
        if (memory_ != nullptr) munmap(const_cast<edgefw_decision*>(memory_), sizeof(edgefw_decision));
    }

    int fd() const { return map_.fd(); }
    edgefw_decision read() const {
        return {memory_->sequence, memory_->slot,  memory_->nat,        memory_->verdict,
                memory_->reason,   memory_->local, memory_->local_port, {}};
    }

private:
    DecisionRecord() = default;
    Map map_;
    const volatile edgefw_decision* memory_ = nullptr;
};

// The programs of one side, with tables of their own. The verifier takes most of the time that a judge takes, so each
// program is loaded when a packet of its hook comes.
struct SideInstance {
    CardMaps maps;
    DecisionRecord record;
    edgefw_config config;
    std::vector<Binding> rules;  // maps of the generation
    ProgramPair programs = {};

    static Result<SideInstance> load(const Generation& generation, policy::Side side, std::uint32_t slots,
                                     std::uint32_t connections) {
        auto maps = CardMaps::create(capacity_of(connections), slots, connections);
        if (!maps) return maps.error();
        auto record = DecisionRecord::create();
        if (!record) return record.error();
        auto config = generation.config(side);
        if (!config) return config.error();
        return SideInstance{std::move(*maps), std::move(*record), specialised(*config, explaining()),
                            generation.bindings()};
    }

    Result<int> program(edgefw_hook hook) {
        Fd& wanted = hook == EDGEFW_RECEIVED ? programs.received : programs.sent;
        if (wanted.valid()) return wanted.get();
        auto bindings = maps.bindings();
        bindings.insert(bindings.end(), rules.begin(), rules.end());
        bindings.push_back({"decision", record.fd()});
        auto loaded = load_unit(hook == EDGEFW_RECEIVED ? Unit::kReceivedXdp : Unit::kSentTc, config, bindings);
        if (!loaded) return loaded.error();
        wanted = std::move(*loaded);
        return wanted.get();
    }
};

}  // namespace

struct Judge::Instances {
    Generation generation;
    SlotNames names;
    std::uint32_t slots = 0;
    std::uint32_t connections = 0;
    std::optional<SideInstance> side[EDGEFW_SIDES];  // loaded when first asked for
    bool opened[EDGEFW_SIDES] = {};                  // something may be in its tables
    std::vector<std::uint8_t> out = std::vector<std::uint8_t>(kMostFrame);

    Instances(Generation of, const image::Slots& slots_of_ids, std::uint32_t entries)
        : generation(std::move(of)),
          names(slots_of_ids),
          slots(Generation::slots_needed(slots_of_ids)),
          connections(entries) {}

    Result<SideInstance*> instance(policy::Side wanted) {
        auto& slot = side[static_cast<std::size_t>(wanted)];
        if (!slot) {
            auto loaded = SideInstance::load(generation, wanted, slots, connections);
            if (!loaded) return loaded.error();
            slot.emplace(std::move(*loaded));
        }
        return &*slot;
    }
};

Judge::Judge(std::unique_ptr<Instances> instances) : instances_(std::move(instances)) {}
Judge::Judge(Judge&&) noexcept = default;
Judge& Judge::operator=(Judge&&) noexcept = default;
Judge::~Judge() = default;

Result<Judge> Judge::of(const Compiled& policy, std::uint32_t connections) {
    silence_libbpf();
    if (auto allowed = may_load_programs(); !allowed) return allowed.error();
    image::Image image = policy.image;
    auto slots = image::assign_slots(image, {});
    if (!slots) return slots.error();
    auto generation = Generation::create(image, "{}", 1);
    if (!generation) return generation.error();
    return Judge(std::make_unique<Instances>(std::move(*generation), *slots, connections));
}

Result<Judge> Judge::in_force(const std::optional<std::string>& interface, std::uint32_t connections) {
    silence_libbpf();
    if (auto allowed = may_load_programs(); !allowed) return allowed.error();
    auto home = Home::look();
    if (!home) return home.error();
    auto inventory = take_inventory(*home);
    if (!inventory) return inventory.error();
    if (inventory->cards.empty()) return nothing_attached();
    std::uint32_t number = 0;
    if (interface) {
        const CardState* state = inventory->find(*interface);
        if (state == nullptr) return not_attached(*interface);
        number = inventory->generation_of(*state);
    } else {
        for (const auto& card : inventory->cards)
            number = std::max(number, inventory->generation_of(card));
    }
    if (number == 0) {
        auto everything = Generation::create(image::Image{}, "{}", 0);
        if (!everything) return everything.error();
        return Judge(std::make_unique<Instances>(std::move(*everything), image::Slots{}, connections));
    }
    auto generation = Generation::open(home->generation(number));
    if (!generation) return generation.error();
    const auto listing = generation->listing();
    if (!listing) return listing.error();
    return Judge(std::make_unique<Instances>(std::move(*generation), listing->slots(), connections));
}

Result<Judgement> Judge::judge(policy::Side side, edgefw_hook hook, const std::vector<std::uint8_t>& frame,
                               bool keep_frame) {
    Result<std::optional<Judgement>> judgement = try_to_judge(side, hook, frame, keep_frame);
    if (!judgement) return judgement.error();
    if (*judgement) return std::move(**judgement);
    return failed("the kernel does not test-run a frame of " + std::to_string(frame.size()) + " bytes on this hook");
}

Result<std::optional<Judgement>> Judge::try_to_judge(policy::Side side, edgefw_hook hook,
                                                     const std::vector<std::uint8_t>& frame, bool keep_frame) {
    auto instance = instances_->instance(side);
    if (!instance) return instance.error();
    const Result<int> program = (*instance)->program(hook);
    if (!program) return program.error();
    const std::uint32_t before = (*instance)->record.read().sequence;
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_size_in = static_cast<__u32>(frame.size()),
                .repeat = 1);
    if (keep_frame) {
        options.data_out = instances_->out.data();
        options.data_size_out = static_cast<__u32>(instances_->out.size());
    }
    if (bpf_prog_test_run_opts(*program, &options) != 0) {
        if (errno == EINVAL) return std::optional<Judgement>();
        return system_error("test-running a program", errno);
    }
    const edgefw_decision decision = (*instance)->record.read();
    if (decision.sequence == before) return failed("the program left no record of its decision");
    Judgement judgement = instances_->names.judgement_of(decision);
    if (keep_frame) judgement.frame.assign(instances_->out.begin(), instances_->out.begin() + options.data_size_out);
    if (judgement.verdict == policy::Action::kPass) instances_->opened[static_cast<std::size_t>(side)] = true;
    return std::optional(std::move(judgement));
}

Result<Ok> Judge::forget() {
    for (std::size_t side = 0; side < EDGEFW_SIDES; side++) {
        if (!instances_->side[side] || !instances_->opened[side]) continue;
        for (const Map* map : instances_->side[side]->maps.tables())
            map->clear();
        instances_->opened[side] = false;
    }
    return Ok{};
}

}  // namespace edgefw::kernel
