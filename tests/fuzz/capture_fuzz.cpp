// SPDX-License-Identifier: GPL-2.0-only
// Any file: packets that it has, each a frame or a reason why there is none, then its end or one sentence. No memory is
// taken for what it only claims.
#include <sanitizer/allocator_interface.h>

#include <sstream>

#include "tests/fuzz/require.h"
#include "userspace/capture/frame.h"
#include "userspace/packet/frame_text.h"

using namespace edgefw;

namespace {

// More than a piece of a file, its text and a frame take, and less than the least that a block could claim in vain.
constexpr std::size_t kMostAtOnce = 256u << 10;

// The fuzzer's own allocations are not meant.
bool watching = false;
struct Watch {
    Watch() { watching = true; }
    ~Watch() { watching = false; }
};

void look(const volatile void*, std::size_t size) {
    if (watching && size > kMostAtOnce) std::abort();
}
void leave(const volatile void*) {}

void require_sane(const capture::Record& record, const capture::Locals& locals) {
    fuzz::require(record.wire_length >= record.bytes.size(), "a packet is no shorter than what was captured of it");
    const auto frame = capture::frame_of(record);
    if (!frame) {
        fuzz::require(!frame.error().message.empty(), "a packet without a frame has a reason");
        return;
    }
    fuzz::require(frame->bytes.size() <= capture::kMostFrame, "a frame has a greatest length");
    locals.way_of(frame->bytes);
    for (const auto direction : {policy::Direction::kInbound, policy::Direction::kOutbound})
        fuzz::require(!packet::frame_text(frame->bytes, policy::Side::kExternal, direction).empty(),
                      "a frame has a text");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool hooked = __sanitizer_install_malloc_and_free_hooks(look, leave) != 0;
    fuzz::require(hooked, "allocations are seen");
    static const capture::Locals locals = *capture::Locals::parse({"192.0.2.0/24", "02:00:5e:00:53:02"});
    const Watch watch;
    std::istringstream file(std::string(reinterpret_cast<const char*>(data), size));
    auto reader = capture::Reader::open(file, "x");
    if (!reader) {
        fuzz::require_refusal(reader.error(), ErrorKind::kFailed);
        return 0;
    }
    std::size_t sum = 0;
    for (std::uint64_t number = 1;; ++number) {
        const auto record = reader->next();
        if (!record) {
            fuzz::require_refusal(record.error(), ErrorKind::kFailed);
            return 0;
        }
        if (*record == nullptr) return 0;
        fuzz::require((*record)->number == number, "packets are counted");
        sum += (*record)->bytes.size();
        fuzz::require(sum < size, "a file gives no more than it has");
        require_sane(**record, locals);
    }
}
