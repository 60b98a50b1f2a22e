/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What differs in the fuzz build, and nothing else may: a wrong checksum is no reason to stop,
 * for random bytes never have the right one.
 */
#pragma once

#include <stdbool.h>

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define CHECKSUMS_IGNORED true
#else
#define CHECKSUMS_IGNORED false
#endif
