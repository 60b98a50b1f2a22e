/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ReAgent.xml as Windows 8.1 to 11 write it, in the encodings that occur, and spoiled ones. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <base/utf.h>

#include "fixups/reagent.h"

#define DISK "{1bbe1186-b3bb-4a08-af22-264b3379d8cd}"
#define NONE "{00000000-0000-0000-0000-000000000000}"

static const char gpt[] =
	"<?xml version='1.0' encoding='utf-8'?>\r\n"
	"<WindowsRE version=\"2.0\">\r\n"
	"  <WinreBCD id=\"{d9ebf8fe-279b-11e3-8baa-937d583d467a}\"/>\r\n"
	"  <WinreLocation path=\"\\Recovery\\WindowsRE\" id=\"0\" offset=\"1048576\" "
	"guid=\"" DISK "\"/>\r\n"
	"  <ImageLocation path=\"\" id=\"0\" offset=\"0\" guid=\"" NONE "\"/>\r\n"
	"  <PBRImageLocation path=\"\\RecoveryImage\" id=\"0\" offset=\"58465452032\" "
	"guid=\"" DISK "\" index=\"1\"/>\r\n"
	"  <InstallState state=\"1\"/>\r\n"
	"</WindowsRE>\r\n";

/* What a visitor saw, and what it answers. */
struct seen {
	unsigned count, enabled;
	struct reagent_location locations[4];
	struct reagent_location answer;
	bool changes;
};

static int visit(const char *element, bool enabled, struct reagent_location *location,
		 void *context, struct err *err)
{
	struct seen *seen = context;

	seen->locations[seen->count++] = *location;
	seen->enabled += enabled;
	if (!seen->changes || strcmp(element, "WinreLocation") != 0)
		return 0;
	*location = seen->answer;
	return 1;
}

static int edit(const void *bytes, size_t length, struct seen *seen, uint8_t **ret,
		size_t *ret_length, struct err *err)
{
	const struct reagent_job job = { "ReAgent.xml", visit, seen };

	return reagent_edit(bytes, length, &job, ret, ret_length, err);
}

static void locations_are_read_and_empty_ones_are_passed_over(void **state)
{
	struct seen seen = { 0 };
	uint8_t *changed;
	size_t length;
	struct err err = { 0 };
	char text[GUID_TEXT_SIZE];

	assert_int_equal(edit(gpt, strlen(gpt), &seen, &changed, &length, &err), 0);
	assert_null(changed);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.enabled, 1);
	assert_int_equal(seen.locations[0].offset, 1048576);
	assert_string_equal(guid_format(&seen.locations[0].disk.disk_id, text),
			    "1bbe1186-b3bb-4a08-af22-264b3379d8cd");
	assert_int_equal(seen.locations[1].offset, 58465452032);
}

static const struct reagent_location mbr_place = {
	.disk = { .kind = BCD_DEVICE_MBR, .mbr_signature = 0xcafe1234 },
	.offset = 500 << 20,
};

static const char changed_tag[] =
	"  <WinreLocation path=\"\\Recovery\\WindowsRE\" id=\"3405648436\" "
	"offset=\"524288000\" guid=\"" NONE "\"/>\r\n";

static void one_location_changes_and_all_else_stays_byte_for_byte(void **state)
{
	struct seen seen = { .answer = mbr_place, .changes = true };
	const char *tag = strstr(gpt, "  <WinreLocation");
	const char *behind = strstr(gpt, "  <ImageLocation");
	AUTO_FREE uint8_t *changed = NULL;
	size_t length, before = (size_t)(tag - gpt);
	struct err err = { 0 };

	assert_int_equal(edit(gpt, strlen(gpt), &seen, &changed, &length, &err), 0);
	assert_non_null(changed);
	assert_memory_equal(changed, gpt, before);
	assert_memory_equal(changed + before, changed_tag, strlen(changed_tag));
	assert_string_equal((char *)changed + before + strlen(changed_tag), behind);
	assert_int_equal(length, before + strlen(changed_tag) + strlen(behind));
}

/* mark: byte-order mark in front; tail: NULs behind. */
static void check_encoding(bool wide, bool mark, size_t tail)
{
	struct seen seen = { .answer = mbr_place, .changes = true };
	AUTO_FREE uint8_t *body = NULL, *changed = NULL;
	AUTO_FREE char *again = NULL;
	uint8_t bytes[4096] = { 0 };
	struct err err = { 0 };
	size_t length, at = 0, changed_length;

	if (mark)
		at = wide ? 2 : 3;
	memcpy(bytes, wide ? "\xff\xfe" : "\xef\xbb\xbf", at);
	if (wide)
		assert_int_equal(utf8_to_utf16le(gpt, &body, &length, &err), 0);
	else
		length = strlen(gpt);
	memcpy(bytes + at, wide ? (const void *)body : gpt, length);
	assert_int_equal(
		edit(bytes, at + length + tail, &seen, &changed, &changed_length, &err),
		0);
	assert_memory_equal(changed, bytes, at);
	assert_int_equal(text_decode(changed, changed_length, &again, &err), 0);
	assert_non_null(strstr(again, changed_tag));
	assert_int_equal(changed_length, at + tail + (wide ? 2 : 1) * strlen(again));
}

static void the_encoding_stays(void **state)
{
	check_encoding(false, false, 0);
	check_encoding(false, true, 1);
	check_encoding(true, true, 0);
	check_encoding(true, false, 2);
}

static void other_documents_are_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "<Recovery/>",
		  "'ReAgent.xml': begins with 'Recovery', must be 'WindowsRE'" },
		{ "<WindowsRE><WinreLocation id=\"x\" offset=\"1\" guid=\"" DISK
		  "\"/></WindowsRE>",
		  "'ReAgent.xml': WinreLocation has id 'x', offset '1', guid '" DISK
		  "'" },
		{ "<WindowsRE><WinreLocation id=\"4294967296\" offset=\"1\" guid=\"" NONE
		  "\"/></WindowsRE>",
		  "'ReAgent.xml': WinreLocation has id '4294967296', offset '1', guid "
		  "'" NONE "'" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen seen = { 0 };
		uint8_t *changed;
		size_t length;
		struct err err = { 0 };

		assert_int_equal(edit(cases[i].text, strlen(cases[i].text), &seen,
				      &changed, &length, &err),
				 -EBADMSG);
		assert_string_equal(err.text, cases[i].message);
	}
}

static void what_is_not_written_as_windows_writes_it_is_not_changed(void **state)
{
	static const char *const texts[] = {
		"<WindowsRE><WinreLocation path=\">\" id=\"0\" offset=\"1\" guid=\"" DISK
		"\"/></WindowsRE>",
		"<WindowsRE><!-- <WinreLocation id=\"0\" offset=\"1\" guid=\"" DISK
		"\"/> --><WinreLocation id=\"0\" offset=\"1\" guid=\"" DISK
		"\"/></WindowsRE>",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct seen seen = { .answer = mbr_place, .changes = true };
		uint8_t *changed;
		size_t length;
		struct err err = { 0 };

		assert_int_equal(
			edit(texts[i], strlen(texts[i]), &seen, &changed, &length, &err),
			-ENOTSUP);
		assert_non_null(strstr(err.text, "'ReAgent.xml': "));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(locations_are_read_and_empty_ones_are_passed_over),
		cmocka_unit_test(one_location_changes_and_all_else_stays_byte_for_byte),
		cmocka_unit_test(the_encoding_stays),
		cmocka_unit_test(other_documents_are_refused),
		cmocka_unit_test(what_is_not_written_as_windows_writes_it_is_not_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
