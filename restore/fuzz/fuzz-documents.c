/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BackupSpecs, the ASR writer's document, and the files that any writer's document lists, in any
 * encoding that Windows writes. */
#include <string.h>

#include <base/utf.h>

#include "evidence/asr-writer.h"
#include "evidence/backup-specs.h"
#include "evidence/writer-files.h"
#include "fuzz/fuzz.h"

/* "Windows.." is a folder like any other. */
static bool leads_elsewhere(const char *path)
{
	size_t length = strcspn(path, "/");

	if (path[0] == '/')
		return true;
	for (; *path; path += length + (path[length] == '/')) {
		length = strcspn(path, "/");
		if (length == 2 && memcmp(path, "..", 2) == 0)
			return true;
	}
	return false;
}

/* Paths lie in the volume, and files of them in one folder. */
static int read_rules(const char *text, struct err *err)
{
	const struct state_place place = { .letter = 'C' };
	AUTO(state_rules_clear) struct state_rules rules = { 0 };
	int r = state_rules_read(text, strlen(text), "fuzz.xml", &place, &rules, err);

	for (size_t i = 0; i < rules.count; i++) {
		const struct state_rule *rule = &rules.rules[i];

		fuzz_require(!leads_elsewhere(rule->path) && !strchr(rule->path, '\\'),
			     "a path leads elsewhere");
		fuzz_require(!strpbrk(rule->spec, "/\\"), "a file is in another folder");
		(void)state_spec_fits(rule->spec, rule->path);
	}
	return r;
}

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
	if (r == 0)
		r = read_rules(text, &err);
	fuzz_require(r == 0 || err.text[0], "an error without a text");
	return 0;
}
