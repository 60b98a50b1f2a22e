/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BackupSpecs and the ASR writer's document, in any encoding that Windows writes. */
#include <string.h>

#include <base/utf.h>

#include "evidence/asr-writer.h"
#include "evidence/backup-specs.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO(backup_specs_freep) struct backup_specs *specs = NULL;
	AUTO(asr_writer_freep) struct asr_writer *writer = NULL;
	AUTO(xml_freep) struct xml_element *root = NULL;
	AUTO_FREE char *text = NULL;
	struct err err = { 0 };
	int r = text_decode(bytes, length, &text, &err);

	if (r == 0)
		r = xml_parse(text, strlen(text), "fuzz.xml", &root, &err);
	if (r == 0 && backup_specs_matches(root))
		r = backup_specs_read(root, "fuzz.xml", &specs, &err);
	else if (r == 0 && asr_writer_matches(root))
		r = asr_writer_read(root, "fuzz.xml", &writer, &err);
	fuzz_require(r == 0 || err.text[0], "an error without a text");
	return 0;
}
