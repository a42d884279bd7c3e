// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/boxes.h"

#include <algorithm>

namespace edgefw::image {
namespace {

// The fields a stray packet fails soonest come first.
constexpr std::array<unsigned, EDGEFW_FIELDS> kTestOrder = {
    EDGEFW_FIELD_LOCAL_PORT, EDGEFW_FIELD_REMOTE_PORT, EDGEFW_FIELD_LOCAL + 3,   EDGEFW_FIELD_LOCAL + 2,
    EDGEFW_FIELD_LOCAL + 1,  EDGEFW_FIELD_LOCAL,       EDGEFW_FIELD_REMOTE + 3,  EDGEFW_FIELD_REMOTE + 2,
    EDGEFW_FIELD_REMOTE + 1, EDGEFW_FIELD_REMOTE,      EDGEFW_FIELD_LOCAL_CLASS, EDGEFW_FIELD_REMOTE_CLASS,
    EDGEFW_FIELD_DETAIL,     EDGEFW_FIELD_PROTOCOL,    EDGEFW_FIELD_VLAN,        EDGEFW_FIELD_OPENS};

std::size_t place_in_test_order(unsigned field) {
    return static_cast<std::size_t>(std::find(kTestOrder.begin(), kTestOrder.end(), field) - kTestOrder.begin());
}

}  // namespace

Region everywhere() {
    Region region;
    region.fill({0, 0xffffffffu});
    region[EDGEFW_FIELD_LOCAL_PORT].high = 0xffff;
    region[EDGEFW_FIELD_REMOTE_PORT].high = 0xffff;
    region[EDGEFW_FIELD_PROTOCOL].high = 0xff;
    region[EDGEFW_FIELD_DETAIL].high = 0xffff;
    region[EDGEFW_FIELD_VLAN].high = 0xfff;
    region[EDGEFW_FIELD_OPENS].high = 1;
    return region;
}

void Boxes::open_column(unsigned field) {
    columns_[field].assign(rules_.size(), everywhere()[field]);
    fields_.push_back(field);
    std::sort(fields_.begin(), fields_.end(),
              [](unsigned a, unsigned b) { return place_in_test_order(a) < place_in_test_order(b); });
}

void Boxes::add(std::uint32_t rule, const Region& box) {
    static const Region whole = everywhere();
    for (unsigned field = 0; field < EDGEFW_FIELDS; ++field) {
        if (columns_[field].empty() && box[field] != whole[field]) open_column(field);
    }
    rules_.push_back(rule);
    for (const unsigned field : fields_)
        columns_[field].push_back(box[field]);
}

}  // namespace edgefw::image
