// SPDX-License-Identifier: GPL-2.0-only
// The constants of a judging program. A simulated one has its own (userspace/simulator/stand_in).
#pragma once

#include "maps/config.h"

// Set from the policy between open and load; the verifier removes the code it rules out.
const volatile struct edgefw_config config;
