// SPDX-License-Identifier: GPL-2.0-only
// Stands in for bpf/constants.h in user space: the constants are those of the instance that judges.
#pragma once

#include "userspace/simulator/data_path.h"

#define config (*simulated->constants)
