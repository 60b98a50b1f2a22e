/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signatures for Secure Boot with the user's own key, by sbsign; the key is only handed on. */
#pragma once

#include <base/err.h>

/* key and certificate: PEM files. Signs the EFI file in its place. */
int sign_efi(const char *efi, const char *key, const char *certificate,
	     struct err *err) MUST_CHECK;

/* The certificate in the form that MokManager enrols from a disk: DER. */
int sign_export(const char *certificate, const char *output, struct err *err) MUST_CHECK;
