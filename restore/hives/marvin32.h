/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Marvin32, the hash in the logs of registry hives. Its rounds are published with .NET
 * (System.Marvin); the seed is that of the registry (msuhanov/regf, "Log entries").
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MARVIN32_REGISTRY_SEED UINT64_C(0x82ef4d887a4e55c5)

uint64_t marvin32(uint64_t seed, const void *bytes, size_t length);
