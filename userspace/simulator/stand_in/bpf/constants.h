// SPDX-License-Identifier: GPL-2.0-only
// Stands in for bpf/constants.h in user space: the constants are those of the instance that judges.
#pragma once

#include "userspace/simulator/data_path.h"

// Newer ones have members of this name, so they come before it.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#define config (*simulated->constants)
