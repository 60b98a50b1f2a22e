/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which Debian package has a file that is missing: as a hint for whoever reads an error. */
#pragma once

/* ": package 'libicu72' has it; add it to packages.list", as this machine's dpkg knows it; "" if it
 * does not. path may start with a pattern. NULL: no memory. */
char *package_hint(const char *path);
