/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arguments of sbsign and openssl: see sign.h. */
#include "sign.h"

#include <stdio.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/spawn.h>
#include <base/text.h>

int sign_efi(const char *efi, const char *key, const char *certificate, struct err *err)
{
	AUTO_FREE char *signed_efi = text_format("%s.signed", efi);
	const char *argv[] = { "sbsign",   "--key",    key, "--cert", certificate,
			       "--output", signed_efi, efi, NULL };
	int r;

	if (!signed_efi)
		return err_nomem(err);
	r = spawn_run(&(struct spawn){ .argv = argv }, NULL, err);
	if (r < 0) {
		(void)unlink(signed_efi);
		return err_add(err, "'%s': signing with '%s'", efi, key);
	}
	if (rename(signed_efi, efi) < 0)
		return err_errno(err, errno, "'%s': renaming", signed_efi);
	return 0;
}

int sign_export(const char *certificate, const char *output, struct err *err)
{
	const char *argv[] = { "openssl", "x509", "-in",  certificate, "-outform",
			       "DER",	  "-out", output, NULL };

	return spawn_run(&(struct spawn){ .argv = argv }, NULL, err);
}
