/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 'bmr files newer', a part of 'bmr files'. */
#pragma once

#include "files.h"

/* --disk, and --from or --since, are there. */
enum exit_status files_newer(const struct command *command, const struct files_cli *cli);
