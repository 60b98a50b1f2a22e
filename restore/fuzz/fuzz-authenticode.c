/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program of a backup, its signatures, and the lists of a firmware: a length of the lists in
 * two bytes, the lists, the program.
 */
#include "forecast/authenticode.h"
#include "forecast/pe.h"
#include "fuzz/fuzz.h"

/* GnuTLS 3.7.9 loses a public key where a certificate's algorithm makes no sense. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libgnutls.so";
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct authenticode_store store;
	struct pe_image image;
	char *signer = NULL;
	struct err err = { 0 };
	size_t lists;
	int r;

	if (length < 2)
		return 0;
	lists = (size_t)(bytes[0] | bytes[1] << 8);
	bytes += 2;
	length -= 2;
	if (lists > length)
		return 0;
	store.db = store.dbx = (struct signature_list){ bytes, lists };
	bytes += lists;
	length -= lists;
	if (pe_parse(bytes, length, &image, &err) == 0)
		for (size_t i = 0; i < image.signed_count; i++)
			fuzz_require(
				image.signed_ranges[i].offset <= length &&
					image.signed_ranges[i].length <=
						length - image.signed_ranges[i].offset,
				"a signed range beyond the program");
	r = authenticode_judge(bytes, length, &store, &signer, &err);
	fuzz_require(r == 0 || err.text[0], "an error without a text");
	free(signer);
	signer = NULL;
	r = authenticode_check(bytes, length, &signer, &err);
	fuzz_require(r == 0 || err.text[0], "an error without a text");
	free(signer);
	return 0;
}
