/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packed images: what is packed reads as what was packed, from anywhere; the seek table is put
 * together by hand from the format's description, and then spoiled field by field. Other
 * programs' packed files are tried in qemu-tests.
 */
#include "vhd-fixture.h"

#include <base/text.h>
#include <restore/pack.h>

#include "formats/packed.h"
#include "formats/zstd-frame.h"

#define PACKED_NAME "C.vhd.zst"

/* A packed file in the making. */
struct made {
	uint8_t *bytes;
	size_t length, table; /* table: where the seek table's frame begins */
	size_t frames;
	uint32_t stored[64], content[64], checksum[64];
};

static void made_clear(struct made *made)
{
	free(made->bytes);
}

static void add_frame(struct made *made, const uint8_t *content, size_t length)
{
	struct packer *packer = NULL;
	struct err err = { 0 };
	size_t stored;

	assert_succeeds(packer_new(1, &packer, &err));
	made->bytes = realloc(made->bytes, made->length + packer_bound(length) + 4096);
	assert_non_null(made->bytes);
	assert_succeeds(packer_run(packer, content, length, made->bytes + made->length,
				   packer_bound(length), &stored, &err));
	packer_free(packer);
	made->stored[made->frames] = (uint32_t)stored;
	made->content[made->frames] = (uint32_t)length;
	made->checksum[made->frames++] = frame_checksum(content, length);
	made->length += stored;
}

/* The seek table, with or without checksums; there is room for it. */
static void add_table(struct made *made, bool checksums)
{
	size_t entry = checksums ? 12 : 8;
	uint8_t *at = made->bytes + made->length;

	made->table = made->length;
	put_le(at, 4, 0x184d2a5e);
	put_le(at + 4, 4, made->frames * entry + 9);
	at += 8;
	for (size_t i = 0; i < made->frames; i++, at += entry) {
		put_le(at, 4, made->stored[i]);
		put_le(at + 4, 4, made->content[i]);
		if (checksums)
			put_le(at + 8, 4, made->checksum[i]);
	}
	put_le(at, 4, made->frames);
	at[4] = checksums ? 0x80 : 0;
	put_le(at + 5, 4, 0x8f92eab1);
	made->length = (size_t)(at + 9 - made->bytes);
}

/* The fixture's VHD in frames of these sizes, repeated. */
static struct made make_packed(const size_t *sizes, size_t count, bool checksums)
{
	AUTO_FREE uint8_t *image = make_dynamic();
	struct made made = { 0 };
	size_t done = 0;

	for (size_t i = 0; done < FILE_SIZE; i++) {
		size_t part = sizes[i % count];

		part = part < FILE_SIZE - done ? part : FILE_SIZE - done;
		add_frame(&made, image + done, part);
		done += part;
	}
	add_table(&made, checksums);
	return made;
}

static struct made make_good(void)
{
	return make_packed((const size_t[]){ MiB }, 1, true);
}

static struct block_source *open_packed(const uint8_t *bytes, size_t length)
{
	struct block_source *file = NULL, *packed = NULL;
	struct err err = { 0 };
	bool is_packed;

	assert_succeeds(source_memory_new(bytes, length, PACKED_NAME, &file, &err));
	assert_succeeds(packed_open(file, &packed, &is_packed, &err));
	assert_true(is_packed);
	return packed;
}

/* Reads of many lengths from many places. */
static void expect_same_bytes(struct block_source *packed, const uint8_t *image)
{
	AUTO_FREE uint8_t *part = malloc(FILE_SIZE);
	struct err err = { 0 };

	assert_int_equal(packed->size, FILE_SIZE);
	for (size_t i = 0; i < 400; i++) {
		size_t offset = i * 7919 * 97 % FILE_SIZE;
		size_t length = 1 + i * i * i * 13 % (FILE_SIZE - offset);

		memset(part, 0xa5, length);
		assert_succeeds(source_read(packed, part, offset, length, &err));
		assert_memory_equal(part, image + offset, length);
	}
}

static void a_packed_image_reads_the_same_from_anywhere(void **state)
{
	static const size_t sizes[][3] = { { MiB, MiB, MiB },
					   { 300001, 0, 70000 },
					   { 2 * MiB, 0, 0 },
					   { FILE_SIZE, 1, 1 } };
	AUTO_FREE uint8_t *image = make_dynamic();

	for (size_t i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		AUTO(made_clear)
		struct made made = make_packed(sizes[i / 2], 3, i % 2);
		AUTO(source_freep)
		struct block_source *packed = open_packed(made.bytes, made.length);

		expect_same_bytes(packed, image);
	}
}

static void the_disk_in_a_packed_image_is_that_of_the_image(void **state)
{
	AUTO_FREE uint8_t *content = make_content(), *read = NULL;
	AUTO(made_clear) struct made made = make_good();
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };
	char note[64];

	assert_succeeds(
		open_bytes(made.bytes, made.length, PACKED_NAME, &info, &disk, &err));
	assert_string_equal(info.format, "vhd");
	assert_int_equal(info.file_size, FILE_SIZE);
	snprintf(note, sizeof(note), "packed: %zu bytes hold %llu", made.length,
		 (unsigned long long)FILE_SIZE);
	assert_non_null(strstr(info.notes, note));
	read = read_all(disk);
	assert_memory_equal(read, content, DISK);
}

static void what_is_packed_counts_by_its_mark_and_not_by_its_name(void **state)
{
	AUTO(made_clear) struct made made = make_good();
	AUTO(source_freep) struct block_source *disk = NULL;
	AUTO_FREE uint8_t *image = make_dynamic();
	struct image_info info;
	struct err err = { 0 };

	assert_succeeds(open_bytes(made.bytes, made.length, "C.vhd", &info, &disk, &err));
	expect_refusal(image, FILE_SIZE, PACKED_NAME, -EBADMSG,
		       "'C.vhd.zst': named as packed, and does not begin as zstd does");
}

static void zstd_without_a_seek_table_is_refused_with_the_reason(void **state)
{
	AUTO(made_clear) struct made made = make_good();

	expect_refusal(
		made.bytes, made.table, PACKED_NAME, -ENOTSUP,
		"'C.vhd.zst': zstd without a seek table: another program made it, or "
		"it is cut short, and it can only be read from its start; 'zstd -d' "
		"unpacks it, 'bmr pack' makes one that can be read anywhere");
}

static void expect_spoiled(size_t back, unsigned width, uint64_t value, int code,
			   const char *text)
{
	AUTO(made_clear) struct made made = make_good();

	put_le(made.bytes + made.length - back, width, value);
	expect_refusal(made.bytes, made.length, PACKED_NAME, code, text);
}

/* The good one: five frames, entries of 12 bytes at 69 from the end, foot of 9. */
#define BACK_HEAD  77
#define BACK_ENTRY 69
#define BACK_FOOT  9

static void a_damaged_seek_table_is_refused_field_by_field(void **state)
{
	AUTO(made_clear) struct made made = make_good();
	char text[256];

	assert_int_equal(made.frames, 5);
	assert_int_equal(made.length - made.table, BACK_HEAD);
	expect_spoiled(
		BACK_FOOT, 4, 0, -EBADMSG,
		"'C.vhd.zst': seek table of 0 frames, must have from 1 to 134217728");
	expect_spoiled(BACK_FOOT, 4, 134217729, -EBADMSG,
		       "'C.vhd.zst': seek table of 134217729 frames, must have from 1 to "
		       "134217728");
	snprintf(text, sizeof(text),
		 "'C.vhd.zst': seek table of 134217728 frames, 1610612745 bytes, in a "
		 "file of "
		 "%zu",
		 made.length);
	expect_spoiled(BACK_FOOT, 4, 134217728, -EBADMSG, text);
	expect_spoiled(BACK_FOOT - 4, 1, 0x84, -EBADMSG,
		       "'C.vhd.zst': seek table with flags 0x84, 0x7c must be 0");
	expect_spoiled(
		BACK_HEAD, 4, 0x184d2a5d, -EBADMSG,
		"'C.vhd.zst': seek table begins with 0x184d2a5d and 69 bytes, must be "
		"0x184d2a5e and 69");
	expect_spoiled(
		BACK_HEAD - 4, 4, 68, -EBADMSG,
		"'C.vhd.zst': seek table begins with 0x184d2a5e and 68 bytes, must be "
		"0x184d2a5e and 69");
	expect_spoiled(
		BACK_ENTRY, 4, 0, -EBADMSG,
		"'C.vhd.zst': frame 0 of 0 bytes for 1048576 of content, must be from 1 "
		"to 1122304");
	expect_spoiled(
		BACK_ENTRY, 4, 1122305, -EBADMSG,
		"'C.vhd.zst': frame 0 of 1122305 bytes for 1048576 of content, must be "
		"from 1 to 1122304");
	expect_spoiled(BACK_ENTRY - 4, 4, (8u << 20) + 1, -ENOTSUP,
		       "'C.vhd.zst': frame 0 holds 8388609 bytes, at most 8388608 can "
		       "be read; "
		       "pack it by 'bmr pack'");
}

static void frames_must_end_where_the_seek_table_begins(void **state)
{
	AUTO(made_clear) struct made made = make_good();
	uint8_t *last = made.bytes + made.length - BACK_FOOT - 12;
	char text[256];

	put_le(last, 4, made.stored[4] - 1);
	snprintf(text, sizeof(text),
		 "'C.vhd.zst': the frames end at %zu, and the seek table begins at %zu",
		 made.table - 1, made.table);
	expect_refusal(made.bytes, made.length, PACKED_NAME, -EBADMSG, text);
	put_le(last, 4, made.stored[4] + 1);
	snprintf(text, sizeof(text),
		 "'C.vhd.zst': frame 4 at %zu+%u reaches into the seek table at %zu",
		 made.table - made.stored[4], made.stored[4] + 1, made.table);
	expect_refusal(made.bytes, made.length, PACKED_NAME, -EBADMSG, text);
}

/* Reads all; the text of the error is "'C.vhd.zst': the frame at N+M is damaged: " + why. */
static void expect_damaged_frame(const struct made *made, size_t frame, const char *why)
{
	AUTO(source_freep)
	struct block_source *packed = open_packed(made->bytes, made->length);
	AUTO_FREE uint8_t *buffer = malloc(FILE_SIZE);
	struct err err = { 0 };
	size_t offset = 0;
	char text[256];

	for (size_t i = 0; i < frame; i++)
		offset += made->stored[i];
	snprintf(text, sizeof(text), "'C.vhd.zst': the frame at %zu+%u is damaged: %s",
		 offset, made->stored[frame], why);
	assert_failed(source_read(packed, buffer, 0, FILE_SIZE, &err), -EBADMSG, text);
	/* one that is kept in part is not taken for a good one the next time */
	assert_failed(source_read(packed, buffer, frame * MiB + 5, 10, &err), -EBADMSG,
		      text);
	if (frame)
		assert_succeeds(source_read(packed, buffer, 0, MiB, &err));
}

static void a_damaged_frame_is_named(void **state)
{
	AUTO(made_clear) struct made bytes = make_good();
	AUTO(made_clear) struct made sum = make_good();
	AUTO(made_clear) struct made swapped = make_good();
	AUTO_FREE uint8_t *image = make_dynamic();
	AUTO(made_clear) struct made shorter = { 0 };

	/* the second frame's first bytes, behind its head: its checksum notices */
	bytes.bytes[bytes.stored[0]] ^= 1;
	expect_damaged_frame(&bytes, 1, "Unknown frame descriptor");
	put_le(sum.bytes + sum.length - BACK_ENTRY + 12 + 8, 4, ~sum.checksum[1]);
	expect_damaged_frame(&sum, 1,
			     "its content has not the checksum of the seek table");
	put_le(swapped.bytes + swapped.length - BACK_ENTRY + 12 + 4, 4, MiB + 1);
	expect_damaged_frame(&swapped, 1,
			     "its content is shorter than the seek table says");
	add_frame(&shorter, image, 2 * MiB);
	shorter.content[0] = MiB;
	add_frame(&shorter, image + MiB, FILE_SIZE - MiB);
	add_table(&shorter, false);
	expect_damaged_frame(&shorter, 0, "Destination buffer is too small");
}

/* More entries than one page of the table holds. */
static void a_long_seek_table_is_read_in_pages(void **state)
{
	enum { COUNT = 2500, PART = 1000 };
	AUTO_FREE uint8_t *content = malloc((size_t)COUNT * PART);
	AUTO_FREE uint8_t *bytes = malloc((size_t)COUNT * (packer_bound(PART) + 8) + 17);
	AUTO(source_freep) struct block_source *packed = NULL;
	struct packer *packer = NULL;
	struct err err = { 0 };
	size_t length = 0;
	uint8_t part[4000], entries[COUNT * 8];

	fill_pattern(content, (size_t)COUNT * PART, 3);
	assert_succeeds(packer_new(1, &packer, &err));
	for (size_t i = 0; i < COUNT; i++) {
		size_t stored;

		assert_succeeds(packer_run(packer, content + i * PART, PART,
					   bytes + length, packer_bound(PART), &stored,
					   &err));
		put_le(entries + 8 * i, 4, stored);
		put_le(entries + 8 * i + 4, 4, PART);
		length += stored;
	}
	packer_free(packer);
	put_le(bytes + length, 4, 0x184d2a5e);
	put_le(bytes + length + 4, 4, sizeof(entries) + 9);
	memcpy(bytes + length + 8, entries, sizeof(entries));
	length += 8 + sizeof(entries);
	put_le(bytes + length, 4, COUNT);
	bytes[length + 4] = 0;
	put_le(bytes + length + 5, 4, 0x8f92eab1);
	packed = open_packed(bytes, length + 9);
	for (size_t i = 0; i < 500; i++) {
		size_t at = i * 7919 * 331 % (COUNT * PART - sizeof(part));

		assert_succeeds(source_read(packed, part, at, sizeof(part), &err));
		assert_memory_equal(part, content + at, sizeof(part));
	}
}

static void every_failing_read_of_a_packed_image_is_told(void **state)
{
	AUTO(made_clear) struct made made = make_good();

	expect_every_failing_read_to_be_told(made.bytes, made.length, PACKED_NAME);
}

/* -- packing ---- */

static void write_image(const char *name)
{
	AUTO_FREE uint8_t *image = make_dynamic();

	write_file(name, image, FILE_SIZE);
}

static const struct pack_options plain = { .level = PACK_LEVEL_DEFAULT };

static void an_image_is_packed_with_its_time_and_reads_the_same(void **state)
{
	const struct timespec times[2] = { { 1000000000, 7 }, { 1567285200, 123456700 } };
	AUTO(source_freep) struct block_source *file = NULL, *packed = NULL;
	AUTO_FREE uint8_t *image = make_dynamic();
	struct pack_result result;
	struct err err = { 0 };
	bool is_packed;

	write_image("a.vhd");
	assert_int_equal(utimensat(AT_FDCWD, "a.vhd", times, 0), 0);
	assert_succeeds(pack_file("a.vhd", "a.vhd.zst", &plain, &result, &err));
	assert_int_equal(result.size, FILE_SIZE);
	assert_int_equal(result.frames, 5);
	assert_succeeds(source_file_open("a.vhd.zst", &file, &err));
	assert_int_equal(result.stored, file->size);
	assert_int_equal(file->mtime_ns, 1567285200123456700);
	assert_succeeds(packed_open(TAKE_PTR(file), &packed, &is_packed, &err));
	expect_same_bytes(packed, image);
	if (have_tool("zstd")) {
		run_tool("/usr/bin/zstd", "-q", "-d", "-o", "a.out", "a.vhd.zst");
		run_tool("/usr/bin/cmp", "a.vhd", "a.out");
	}
}

static void packing_overwrites_nothing_and_leaves_nothing_half_done(void **state)
{
	struct pack_result result;
	struct err err = { 0 };

	write_image("b.vhd");
	write_file("kept", (const uint8_t *)"old", 3);
	assert_failed(pack_file("b.vhd", "kept", &plain, &result, &err), -EEXIST,
		      "'kept': exists, and is not overwritten");
	run_tool("/usr/bin/grep", "-qx", "old", "kept");
	assert_failed(pack_file("kept", "new", &plain, &result, &err), -ENOEXEC,
		      "'kept': neither VHDX nor VHD: only images of backups are packed");
	assert_int_equal(access("new", F_OK), -1);
}

/* Cancels the phase it is told to. */
static int cancel_in(const struct restore_progress *progress, void *context)
{
	return progress->phase == *(const enum restore_phase *)context;
}

static int change_in_check(const struct restore_progress *progress, void *context)
{
	if (progress->phase == PHASE_PACK)
		assert_int_equal(system("touch -d 2001-01-01 c.vhd"), 0);
	return 0;
}

static int damage_before_check(const struct restore_progress *progress, void *context)
{
	if (progress->phase == PHASE_PACK_CHECK && progress->bytes_done == 0)
		assert_int_equal(system("printf '\\001' | dd of=c.zst bs=1 seek=500 "
					"conv=notrunc 2>/dev/null"),
				 0);
	return 0;
}

static void what_fails_while_packing_leaves_no_file(void **state)
{
	enum restore_phase phases[] = { PHASE_PACK, PHASE_PACK_CHECK };
	struct pack_result result;
	struct err err = { 0 };

	write_image("c.vhd");
	for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
		struct pack_options options = { .level = 1,
						.threads = 3,
						.report = cancel_in,
						.context = &phases[i] };

		assert_failed(pack_file("c.vhd", "c.zst", &options, &result, &err),
			      -ECANCELED, "cancelled");
		assert_int_equal(access("c.zst", F_OK), -1);
	}
	assert_failed(pack_file("c.vhd", "c.zst",
				&(struct pack_options){ .report = change_in_check },
				&result, &err),
		      -ESTALE, "'c.vhd': it was changed while it was packed");
	assert_int_equal(access("c.zst", F_OK), -1);
	assert_int_equal(
		pack_file("c.vhd", "c.zst",
			  &(struct pack_options){ .report = damage_before_check },
			  &result, &err),
		-EBADMSG);
	assert_non_null(strstr(err.text, "is damaged"));
	assert_int_equal(access("c.zst", F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packed_image_reads_the_same_from_anywhere),
		cmocka_unit_test(the_disk_in_a_packed_image_is_that_of_the_image),
		cmocka_unit_test(what_is_packed_counts_by_its_mark_and_not_by_its_name),
		cmocka_unit_test(zstd_without_a_seek_table_is_refused_with_the_reason),
		cmocka_unit_test(a_damaged_seek_table_is_refused_field_by_field),
		cmocka_unit_test(frames_must_end_where_the_seek_table_begins),
		cmocka_unit_test(a_damaged_frame_is_named),
		cmocka_unit_test(a_long_seek_table_is_read_in_pages),
		cmocka_unit_test(every_failing_read_of_a_packed_image_is_told),
		cmocka_unit_test(an_image_is_packed_with_its_time_and_reads_the_same),
		cmocka_unit_test(packing_overwrites_nothing_and_leaves_nothing_half_done),
		cmocka_unit_test(what_fails_while_packing_leaves_no_file),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
