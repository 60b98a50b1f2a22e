/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All that helps to understand what happened, in one file: the log, the kernel's log, the last plan
 * and report, disks, devices, network, versions. Each of them is made without secrets.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

#include "source.h"

/* What the recovery environment keeps. */
#define LOG_FOLDER  "/run/openbmr"
#define LOG_PATH    LOG_FOLDER "/log"
#define REPORT_TEXT LOG_FOLDER "/report.txt"
#define REPORT_JSON LOG_FOLDER "/report.json"

/* In the environment the last report stays where the bundle finds it; else nothing happens. */
void log_keep_report(const char *text, const char *json);

/* A compressed tar archive into a file, or where store_put() writes, for which `login` is. */
int log_bundle_save(const char *log, const char *where,
		    const struct source_options *login, size_t *ret_length,
		    struct err *err) MUST_CHECK;
