// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/program.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <utility>

#include "entry.skel.h"
#include "received_tc.skel.h"
#include "received_xdp.skel.h"
#include "sent_tc.skel.h"
#include "shadow_received_tc.skel.h"
#include "shadow_received_xdp.skel.h"
#include "shadow_sent_tc.skel.h"
#include "userspace/kernel/errors.h"

namespace edgefw::kernel {
namespace {

// What libbpf says during a load, the verifier's log included: it says it through a callback alone.
thread_local std::string* said = nullptr;

int listen(libbpf_print_level level, const char* format, va_list arguments) {
    if (said == nullptr || level == LIBBPF_DEBUG) return 0;
    std::va_list again;
    va_copy(again, arguments);
    const int size = std::vsnprintf(nullptr, 0, format, arguments);
    if (size > 0) {
        const std::size_t end = said->size();
        said->resize(end + static_cast<std::size_t>(size) + 1);
        std::vsnprintf(said->data() + end, static_cast<std::size_t>(size) + 1, format, again);
        said->resize(end + static_cast<std::size_t>(size));
    }
    va_end(again);
    return 0;
}

class Listening {
public:
    Listening() {
        silence_libbpf();
        said = &text_;
    }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;
    ~Listening() { said = nullptr; }
    const std::string& text() const { return text_; }

private:
    std::string text_;
};

std::string keep_log(const std::string& text) {
    const char* folder = std::getenv("TMPDIR");
    std::string path = std::string(folder != nullptr && *folder != 0 ? folder : "/tmp") + "/edgefw-verifier-XXXXXX";
    const Fd file = Fd::own(mkstemp(path.data()));
    if (!file.valid() || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return "(no log: cannot write to the temporary folder)";
    return path;
}

Error load_error(const std::string& what, int number, const std::string& text) {
    const std::string operation = "loading the " + what;
    // EACCES is what the verifier says; a caller without the capabilities gets EPERM.
    if (std::abs(number) == EPERM) return system_error(operation, number);
    return {ErrorKind::kKernel,
            operation + ": " + std::strerror(std::abs(number)) + "; the verifier's log is in " + keep_log(text)};
}

enum class Unknown { kRefused, kLeftOut };

Result<Ok> bind(bpf_object* object, const std::vector<Binding>& bindings, Unknown unknown) {
    for (const auto& binding : bindings) {
        bpf_map* map = bpf_object__find_map_by_name(object, binding.name);
        if (map == nullptr && unknown == Unknown::kLeftOut) continue;
        if (map == nullptr) return failed(std::string("the data path has no map ") + binding.name);
        const int result = bpf_map__reuse_fd(map, binding.fd);
        if (result != 0) return system_error(std::string("handing the map ") + binding.name + " to a program", result);
    }
    return Ok{};
}

Result<Fd> duplicate(const bpf_program* program) {
    // The skeleton closes its own; this one lives on.
    const int fd = dup(bpf_program__fd(program));
    if (fd < 0) return system_error("keeping a program", errno);
    return Fd::own(fd);
}

template <typename Skeleton>
using Member = bpf_program* decltype(Skeleton::progs)::*;

// Returns `programs`, in their order.
template <typename Skeleton>
Result<std::vector<Fd>> load_skeleton(const char* what, Skeleton* (*open)(), void (*destroy)(Skeleton*),
                                      int (*load)(Skeleton*), std::initializer_list<Member<Skeleton>> programs,
                                      const edgefw_config& config, const std::vector<Binding>& bindings) {
    const Listening listening;
    const std::unique_ptr<Skeleton, void (*)(Skeleton*)> skeleton(open(), destroy);
    if (!skeleton) return load_error(what, errno, listening.text());
    // The skeleton declares the struct a second time, from the object's BTF: the size must agree.
    static_assert(sizeof(skeleton->rodata->config) == sizeof(config));
    std::memcpy(const_cast<void*>(static_cast<const volatile void*>(&skeleton->rodata->config)), &config,
                sizeof(config));
    if (auto bound = bind(skeleton->obj, bindings, Unknown::kLeftOut); !bound) return bound.error();
    const int result = load(skeleton.get());
    if (result != 0) return load_error(what, result, listening.text());
    std::vector<Fd> loaded;
    for (const Member<Skeleton> program : programs) {
        auto kept = duplicate(skeleton->progs.*program);
        if (!kept) return kept.error();
        loaded.push_back(std::move(*kept));
    }
    return loaded;
}

Result<std::vector<Fd>> load_unit_programs(Unit unit, const edgefw_config& config,
                                           const std::vector<Binding>& bindings) {
    switch (unit) {
        case Unit::kReceivedXdp:
            return load_skeleton<received_xdp_bpf>(
                "program that judges what is received (XDP)", received_xdp_bpf__open, received_xdp_bpf__destroy,
                received_xdp_bpf__load, {&decltype(received_xdp_bpf::progs)::judge_received}, config, bindings);
        case Unit::kReceivedTc:
            return load_skeleton<received_tc_bpf>(
                "program that judges what is received (tc)", received_tc_bpf__open, received_tc_bpf__destroy,
                received_tc_bpf__load, {&decltype(received_tc_bpf::progs)::judge_received}, config, bindings);
        default:
            return load_skeleton<sent_tc_bpf>("program that judges what is sent", sent_tc_bpf__open,
                                              sent_tc_bpf__destroy, sent_tc_bpf__load,
                                              {&decltype(sent_tc_bpf::progs)::judge_sent}, config, bindings);
    }
}

// What drops, then what passes.
template <typename Skeleton>
Result<std::vector<Fd>> load_shadow_skeleton(const char* what, Skeleton* (*open)(), void (*destroy)(Skeleton*),
                                             int (*load)(Skeleton*), const edgefw_config& config,
                                             const std::vector<Binding>& bindings) {
    return load_skeleton<Skeleton>(
        what, open, destroy, load,
        {&decltype(Skeleton::progs)::shadow_drops, &decltype(Skeleton::progs)::shadow_passes}, config, bindings);
}

Result<std::vector<Fd>> load_shadow_programs(Unit unit, const edgefw_config& config,
                                             const std::vector<Binding>& bindings) {
    switch (unit) {
        case Unit::kReceivedXdp:
            return load_shadow_skeleton("shadow of what is received (XDP)", shadow_received_xdp_bpf__open,
                                        shadow_received_xdp_bpf__destroy, shadow_received_xdp_bpf__load, config,
                                        bindings);
        case Unit::kReceivedTc:
            return load_shadow_skeleton("shadow of what is received (tc)", shadow_received_tc_bpf__open,
                                        shadow_received_tc_bpf__destroy, shadow_received_tc_bpf__load, config,
                                        bindings);
        default:
            return load_shadow_skeleton("shadow of what is sent", shadow_sent_tc_bpf__open, shadow_sent_tc_bpf__destroy,
                                        shadow_sent_tc_bpf__load, config, bindings);
    }
}

}  // namespace

void silence_libbpf() {
    libbpf_set_print(listen);
}

Result<ProgramPair> load_entry(const std::vector<Binding>& bindings, ReceivedAt at) {
    const Listening listening;
    const std::unique_ptr<entry_bpf, void (*)(entry_bpf*)> skeleton(entry_bpf__open(), entry_bpf__destroy);
    if (!skeleton) return load_error("entry programs", errno, listening.text());
    const bool at_xdp = at == ReceivedAt::kXdp;
    bpf_program__set_autoload(skeleton->progs.enter_received, at_xdp);
    bpf_program__set_autoload(skeleton->progs.enter_ingress, !at_xdp);
    if (auto bound = bind(skeleton->obj, bindings, Unknown::kRefused); !bound) return bound.error();
    const int result = entry_bpf__load(skeleton.get());
    if (result != 0) return load_error("entry programs", result, listening.text());
    auto received = duplicate(at_xdp ? skeleton->progs.enter_received : skeleton->progs.enter_ingress);
    if (!received) return received.error();
    auto sent = duplicate(skeleton->progs.enter_sent);
    if (!sent) return sent.error();
    return ProgramPair{std::move(*received), std::move(*sent)};
}

Result<Fd> load_unit(Unit unit, const edgefw_config& config, const std::vector<Binding>& bindings) {
    auto loaded = load_unit_programs(unit, config, bindings);
    if (!loaded) return loaded.error();
    return std::move(loaded->front());
}

Result<ShadowPair> load_shadow(Unit unit, const edgefw_config& config, const std::vector<Binding>& bindings) {
    auto loaded = load_shadow_programs(unit, config, bindings);
    if (!loaded) return loaded.error();
    return ShadowPair{std::move(loaded->front()), std::move(loaded->back())};
}

Result<ProgramPair> load_judge(const edgefw_config& config, const std::vector<Binding>& bindings, ReceivedAt at) {
    auto received = load_unit(at == ReceivedAt::kXdp ? Unit::kReceivedXdp : Unit::kReceivedTc, config, bindings);
    if (!received) return received.error();
    auto sent = load_unit(Unit::kSentTc, config, bindings);
    if (!sent) return sent.error();
    return ProgramPair{std::move(*received), std::move(*sent)};
}

std::map<std::string, MapSpec> declared_maps() {
    silence_libbpf();
    // It lives on: the names are its own.
    static const std::unique_ptr<received_xdp_bpf, void (*)(received_xdp_bpf*)> skeleton(received_xdp_bpf__open(),
                                                                                         received_xdp_bpf__destroy);
    std::map<std::string, MapSpec> specs;
    if (!skeleton) return specs;
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, skeleton->obj) {
        specs[bpf_map__name(map)] = {bpf_map__name(map),       bpf_map__type(map),        bpf_map__key_size(map),
                                     bpf_map__value_size(map), bpf_map__max_entries(map), bpf_map__map_flags(map)};
    }
    return specs;
}

Result<Fd> program_by_id(std::uint32_t id) {
    const int fd = bpf_prog_get_fd_by_id(id);
    if (fd < 0) return system_error("opening program " + std::to_string(id), errno);
    return Fd::own(fd);
}

}  // namespace edgefw::kernel
