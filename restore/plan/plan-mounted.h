/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How MountedDevices (evidence/mounted-devices.h) calls a partition of a plan. Pure. */
#pragma once

#include <restore/plan.h>

#include "evidence/mounted-devices.h"

struct mounted_device mounted_old_name(const struct id_change *names);
struct mounted_device mounted_new_name(const struct id_change *names);
