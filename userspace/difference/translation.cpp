// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/difference/translation.h"

namespace edgefw::difference {
namespace {

using policy::Side;

bool has(std::uint8_t sides, Side side) {
    return (sides & policy::bit_of(side)) != 0;
}

Piece forward_piece(const policy::Forward& forward, const Plot& plot, Pool& pool) {
    Piece piece;
    piece.nat = forward.id;
    const uint128 address = forward.public_address.value;
    piece.on[kLocal] = pool.keep({{address, address}});
    piece.translation.kind = Translation::Kind::kDestination;
    piece.translation.address = forward.target.value;
    piece.local_shift = forward.target.value - address;
    if (forward.is_static()) {
        // The hairpin of a static entry: its replies are translated by the connection alone.
        piece.needs_connection = plot.side == Side::kInternal && has(forward.sides, Side::kExternal);
        return piece;
    }
    const uint128 port = forward.public_port;
    piece.on[kLocalPort] = pool.keep({{port, port + forward.ports - 1}});
    piece.translation.port_shift = uint128{forward.target_port} - port;
    piece.needs_connection = true;
    return piece;
}

void add_received(const policy::Policy& policy, const Plot& plot, const Messages& messages, Pool& pool,
                  std::vector<Piece>& pieces) {
    for (const bool statics : {false, true}) {
        for (const policy::Forward& forward : policy.forwards) {
            if (forward.is_static() != statics || !has(forward.sides, plot.side)) continue;
            if (!statics && (!messages.has_ports() || messages.protocol != forward.protocol)) continue;
            pieces.push_back(forward_piece(forward, plot, pool));
        }
    }
}

Spans spans_of(const std::vector<AddressRange>& ranges) {
    Spans spans;
    for (const AddressRange& range : ranges)
        spans.push_back({range.first.value, range.last.value});
    return merged(std::move(spans));
}

// Whether the target of a port forward opens with such packets from the forwarded port.
bool opens(const policy::Forward& forward, const Messages& messages) {
    return forward.kind == policy::NatKind::kPortForward && messages.has_ports() &&
           messages.protocol == forward.protocol;
}

Piece opening_piece(const policy::Forward& forward, Pool& pool) {
    Piece piece;
    piece.nat = forward.id;
    piece.on[kLocal] = pool.keep({{forward.target.value, forward.target.value}});
    piece.translation.kind = Translation::Kind::kSource;
    piece.translation.address = forward.public_address.value;
    if (forward.is_static()) return piece;
    const uint128 port = forward.target_port;
    piece.on[kLocalPort] = pool.keep({{port, port + forward.ports - 1}});
    piece.translation.port_shift = uint128{forward.public_port} - port;
    piece.needs_connection = true;
    return piece;
}

void add_sent(const policy::Policy& policy, const Plot& plot, const Messages& messages, Pool& pool,
              std::vector<Piece>& pieces) {
    for (const bool statics : {false, true}) {
        for (const policy::Forward& forward : policy.forwards) {
            if (forward.is_static() != statics || !has(forward.sides, plot.side)) continue;
            if (plot.side == Side::kInternal && has(forward.sides, Side::kExternal)) continue;  // a hairpin, see above
            if (statics || opens(forward, messages)) pieces.push_back(opening_piece(forward, pool));
        }
    }
    for (const policy::Masquerade& masquerade : policy.masquerades) {
        if (masquerade.side != plot.side) continue;
        if (masquerade.protocol && masquerade.protocol != messages.protocol) continue;
        if (masquerade.remote_port != 0 && !messages.has_ports()) continue;
        Piece piece;
        piece.nat = masquerade.id;
        piece.on[kLocal] = pool.keep(spans_of(masquerade.from));
        if (!masquerade.to.empty()) piece.on[kRemote] = pool.keep(spans_of(masquerade.to));
        if (masquerade.remote_port != 0)
            piece.on[kRemotePort] = pool.keep({{masquerade.remote_port, masquerade.remote_port}});
        piece.translation.kind = Translation::Kind::kMasquerade;
        piece.translation.address = masquerade.public_address.value;
        piece.translation.ports = masquerade.ports;
        piece.translation.keeps_parity = masquerade.keeps_parity;
        piece.needs_connection = true;
        pieces.push_back(std::move(piece));
    }
}

}  // namespace

std::vector<Piece> pieces_of(const policy::Policy& policy, const Plot& plot, const Messages& messages, Pool& pool) {
    std::vector<Piece> pieces;
    if (plot.family == Family::kIpv4) {
        if (plot.hook == EDGEFW_RECEIVED)
            add_received(policy, plot, messages, pool, pieces);
        else
            add_sent(policy, plot, messages, pool, pieces);
    }
    pieces.emplace_back();
    return pieces;
}

}  // namespace edgefw::difference
