/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program smbclient, for what libsmbclient has no call for or is not trusted with: it runs at the
 * relay's address, with nothing of this machine's settings. Measured with 4.17.12. */
#pragma once

#include <net/smb.h>

/* Runs command in the folder location->path. The login goes through a file in memory. timeout_ms is
 * that of one request. It splits its command at each ';' and unquotes '"', so neither may be in a
 * name; a path goes by -D. *ret_output: standard output and error, also where the status of a
 * command is one of failure. -ENOENT: the program is not there. */
int smb_client_run(const struct smb_location *relayed,
		   const struct credentials *credentials, unsigned timeout_ms,
		   const char *command, char **ret_output, struct err *err) MUST_CHECK;
