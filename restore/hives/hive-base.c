/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The base block of hives and logs: see hive-base.h. */
#include "hive-base.h"

#include <base/fuzzing.h>

int hive_base_read(const struct hive_file *file, const char *what,
		   struct hive_base_disk *ret, struct err *err)
{
	if (file->length < sizeof(*ret) || memcmp(file->bytes, "regf", 4) != 0)
		return err_set(err, -EBADMSG, "'%s': not a registry hive", what);
	if (file->length > HIVE_MAX_SIZE)
		return err_set(err, -EBADMSG, "'%s': hive of %zu bytes, limit %u", what,
			       file->length, HIVE_MAX_SIZE);
	memcpy(ret, file->bytes, sizeof(*ret));
	return 0;
}

uint32_t hive_base_checksum(const struct hive_base_disk *base)
{
	uint8_t bytes[sizeof(*base)];
	uint32_t sum = 0;

	memcpy(bytes, base, sizeof(bytes));
	for (size_t i = 0; i < offsetof(struct hive_base_disk, checksum); i += 4) {
		le32 word;

		memcpy(&word, bytes + i, sizeof(word));
		sum ^= get_le32(word);
	}
	/* the two values that Windows never writes */
	if (sum == UINT32_MAX)
		return UINT32_MAX - 1;
	return sum ? sum : 1;
}

bool hive_base_checksum_is_right(const struct hive_base_disk *base)
{
	return get_le32(base->checksum) == hive_base_checksum(base) || CHECKSUMS_IGNORED;
}

bool hive_base_is_dirty(const struct hive_base_disk *base)
{
	return get_le32(base->sequence1) != get_le32(base->sequence2) ||
	       !hive_base_checksum_is_right(base);
}

void hive_base_seal(uint8_t *bytes, uint32_t sequence)
{
	struct hive_base_disk base;

	memcpy(&base, bytes, sizeof(base));
	base.sequence1 = put_le32(sequence);
	base.sequence2 = put_le32(sequence);
	base.type = put_le32(HIVE_PRIMARY);
	base.checksum = put_le32(hive_base_checksum(&base));
	memcpy(bytes, &base, sizeof(base));
}
