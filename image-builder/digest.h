/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes PATH.sha256 beside a file, in the form that sha256sum -c reads. */
#pragma once

#include <base/err.h>

int digest_write(const char *path, struct err *err) MUST_CHECK;
