// SPDX-License-Identifier: GPL-2.0-only
// Any text: a packet that its own notation describes and that makes a frame, or a sentence that says what is wrong.
#include "tests/fuzz/require.h"
#include "userspace/packet/notation.h"

using namespace edgefw;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto packet = packet::parse(std::string(reinterpret_cast<const char*>(data), size));
    if (!packet) {
        fuzz::require_refusal(packet.error(), ErrorKind::kUsage);
        return 0;
    }
    const std::string text = packet->to_text();
    const auto again = packet::parse(text);
    fuzz::require(static_cast<bool>(again), "to_text() is in the notation", text);
    fuzz::require(again->to_text() == text, "to_text() is canonical", text + "' and '" + again->to_text());
    const auto frame = packet::frame(*packet);
    fuzz::require(frame.size() >= 60, "a frame has the least length", text);
    fuzz::require(packet::frame(*again) == frame, "to_text() leaves nothing of the packet out", text);
    fuzz::require(packet::frame(packet::with_ends_of(*packet, frame)) == frame, "a frame holds both ends", text);
    return 0;
}
