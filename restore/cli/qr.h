/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QR codes on a text console, for a picture by telephone. */
#pragma once

#include <base/err.h>

/* The code of a text, two modules above each other in one character, bright on a dark screen, with
 * its margin; lines end in '\n'. The caller frees it. -EMSGSIZE: the text is too long. */
int qr_render(const char *text, char **ret, struct err *err) MUST_CHECK;
