/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A registry hive: its check, and changes of one that passes it. */
#include "fuzz/fuzz.h"
#include "hives/hive-check.h"
#include "hives/hive-edit.h"

static int edit(struct hive_editor *editor, struct err *err)
{
	const uint8_t bytes[5000] = { 1 };
	const struct hive_datum long_one = { "Element", HIVE_BINARY, bytes,
					     sizeof(bytes) },
				short_one = { "Element", HIVE_DWORD, bytes, 4 };
	struct hive *hive = NULL;
	hive_node root, node = 0;
	int r = hive_editor_hive(editor, &hive, err);

	root = r == 0 ? hive_find(hive, 0, "") : 0;
	if (root)
		r = hive_editor_set(editor, root, &short_one, err);
	if (root && r == 0)
		r = hive_editor_add_key(editor, root, "new key", &node, err);
	if (node && r == 0)
		r = hive_editor_set(editor, node, &long_one, err);
	if (node && r == 0)
		r = hive_editor_delete_value(editor, root, "Element", err);
	if (node && r == 0)
		r = hive_editor_delete_key(editor, node, err);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const struct hive_files files = { "hive", { bytes, length }, { { 0 } } };
	AUTO(hive_editor_freep) struct hive_editor *editor = NULL;
	struct hive_image image = { 0 };
	AUTO_FREE uint8_t *changed = NULL;
	struct err err = { 0 };
	size_t changed_length = 0;
	int r = hive_recover(&files, &image, &err);

	if (r == 0)
		r = hive_editor_new(&image, "hive", &editor, &err);
	if (r == 0)
		r = edit(editor, &err);
	if (r == 0)
		r = hive_editor_commit(editor, &changed, &changed_length, &err);
	fuzz_require(r == 0 || err.text[0], "an error without a text");
	return 0;
}
