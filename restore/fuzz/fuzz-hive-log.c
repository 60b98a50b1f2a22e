/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A registry hive and its logs: le32 length of the hive, le32 length of the first log, hive,
 * first log, second log. */
#include "fuzz/fuzz.h"
#include "hives/hive-check.h"
#include "hives/hive-log.h"

#include <base/checked.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct hive_files files = { .what = "hive" };
	struct hive_image image = { 0 };
	struct hive_base_disk base;
	struct err err = { 0 };
	le32 lengths[2];
	size_t hive, log;
	int r;

	if (length < sizeof(lengths))
		return 0;
	memcpy(lengths, bytes, sizeof(lengths));
	bytes += sizeof(lengths);
	length -= sizeof(lengths);
	hive = min_u64(get_le32(lengths[0]), length);
	log = min_u64(get_le32(lengths[1]), length - hive);
	files.primary = (struct hive_file){ bytes, hive };
	files.logs[0] = (struct hive_file){ bytes + hive, log };
	files.logs[1] = (struct hive_file){ bytes + hive + log, length - hive - log };
	r = hive_recover(&files, &image, &err);
	fuzz_require(r == 0 || err.text[0], "an error without a text");
	if (r < 0)
		return 0;
	files.primary = (struct hive_file){ image.bytes, image.length };
	fuzz_require(hive_check(&files.primary, "hive", &err) == 0, "not sound");
	fuzz_require(hive_base_read(&files.primary, "hive", &base, &err) == 0 &&
			     !hive_base_is_dirty(&base),
		     "not clean");
	hive_image_clear(&image);
	return 0;
}
