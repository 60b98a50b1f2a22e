/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drivers for the devices that are there, and for those that come later. Runs as a
 * process of its own, so that a driver that hangs while it starts holds up nothing else.
 */
#pragma once

#include <base/err.h>

/* There once no new device has shown up for a moment, or after 30 s. */
#define DEVICES_READY_PATH "/run/openbmr/devices-ready"

/* Loads drivers until nothing new comes, makes DEVICES_READY_PATH, goes on for devices
 * that are plugged in later. Returns only on failure. */
int coldplug_run(struct err *err) MUST_CHECK;

/* Makes DEVICES_READY_PATH: there is nothing to wait for (any more). */
int coldplug_mark_ready(struct err *err) MUST_CHECK;

/* Waits for DEVICES_READY_PATH, at most 35 s. */
void coldplug_wait(void);
