/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log of a VHDX, written by hand from [MS-VHDX] 2.3: what is replayed, what is left,
 * what is refused. Where the log is sound, qemu replays a copy of the file and must read
 * the same.
 */
#include "vhdx-fixture.h"

#define LOG_SIZE MiB
#define SECTOR	 4096u

static const char log_guid[] = "12345678-9abc-def0-1234-56789abcdef0";
static const char old_guid[] = "00000000-0000-0000-0000-00000000000f";

/* One change of an entry. */
struct change {
	uint64_t offset, length; /* length 0: data, one sector; else zeros */
	uint64_t seed;		 /* of the data */
};

struct entry {
	uint64_t sequence;
	uint32_t tail; /* byte in the ring */
	const struct change *changes;
	size_t count;
	uint64_t flushed, last; /* 0: the file's size */
	const char *guid;	/* NULL: log_guid */
};

static void put_descriptor(uint8_t *at, const struct change *change, uint64_t sequence,
			   uint8_t *data)
{
	uint8_t sector[SECTOR];

	memcpy(at, change->length ? "zero" : "desc", 4);
	put_le(at + 16, 8, change->offset);
	put_le(at + 24, 8, sequence);
	if (change->length) {
		put_le(at + 8, 8, change->length);
		return;
	}
	fill_pattern(sector, SECTOR, change->seed);
	memcpy(at + 4, sector + 4092, 4);
	memcpy(at + 8, sector, 8);
	memcpy(data, "data", 4);
	put_le(data + 4, 4, sequence >> 32);
	memcpy(data + 8, sector + 8, 4084);
	put_le(data + 4092, 4, sequence & UINT32_MAX);
}

/* Copies bytes into the ring, around its end. */
static void put_ring(uint8_t *ring, uint32_t position, const uint8_t *bytes,
		     size_t length)
{
	for (size_t i = 0; i < length; i++)
		ring[(position + i) % LOG_SIZE] = bytes[i];
}

/* Puts the entry at position of the image's log; returns where the next one belongs.
 * spoil (may be NULL) changes its bytes before the sum is made. */
static uint32_t put_entry_spoiled(uint8_t *image, uint32_t position,
				  const struct entry *entry,
				  void (*spoil)(uint8_t *bytes))
{
	size_t head = (64 + 32 * entry->count + SECTOR - 1) / SECTOR * SECTOR,
	       data = head;
	AUTO_FREE uint8_t *bytes = calloc(1, head + entry->count * SECTOR);

	assert_non_null(bytes);
	for (size_t i = 0; i < entry->count; i++) {
		put_descriptor(bytes + 64 + 32 * i, &entry->changes[i], entry->sequence,
			       bytes + data);
		data += entry->changes[i].length ? 0 : SECTOR;
	}
	memcpy(bytes, "loge", 4);
	put_le(bytes + 8, 4, data);
	put_le(bytes + 12, 4, entry->tail);
	put_le(bytes + 16, 8, entry->sequence);
	put_le(bytes + 24, 4, entry->count);
	put_guid(bytes + 32, entry->guid ? entry->guid : log_guid);
	put_le(bytes + 48, 8, entry->flushed ? entry->flushed : X_FILE);
	put_le(bytes + 56, 8, entry->last ? entry->last : X_FILE);
	if (spoil)
		spoil(bytes);
	x_fix(bytes, data);
	put_ring(image + X_LOG, position, bytes, data);
	return (uint32_t)((position + data) % LOG_SIZE);
}

static uint32_t put_entry(uint8_t *image, uint32_t position, const struct entry *entry)
{
	return put_entry_spoiled(image, position, entry, NULL);
}

/* The good image, with a header that names a log to replay. */
static uint8_t *make_dirty(void)
{
	uint8_t *image = make_vhdx();

	for (unsigned i = 0; i < 2; i++) {
		uint8_t *header = image + (i ? X_HEADER_2 : X_HEADER_1);

		put_guid(header + 48, log_guid);
		x_fix(header, 4096);
	}
	return image;
}

/* Opens the image and compares with content. */
static void expect_our_content(const uint8_t *image, const uint8_t *content,
			       uint64_t entries, uint64_t bytes)
{
	AUTO(source_freep) struct block_source *disk = NULL;
	AUTO_FREE uint8_t *read = NULL;
	struct image_info info;
	struct err err = { 0 };

	assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
	assert_int_equal(info.log_entries, entries);
	assert_int_equal(info.log_bytes, bytes);
	read = read_all(disk);
	assert_memory_equal(read, content, X_DISK);
	expect_sound_extents(disk);
}

/* The same, and qemu must read so, too, after its own replay of a copy. It is no judge of
 * what qemu 7.2 does not know: tails (it replays from the lowest entry that it finds),
 * sequences around the end of the ring, descriptors in more than one sector. */
static void expect_content(const uint8_t *image, const uint8_t *content, uint64_t entries,
			   uint64_t bytes)
{
	AUTO_FREE uint8_t *replayed = malloc(X_DISK);
	AUTO_CLOSE int fd = -1;

	expect_our_content(image, content, entries, bytes);
	if (!have_tool("qemu-img"))
		return;
	write_file("dirty.vhdx", image, X_FILE);
	run_tool("qemu-img", "check", "-f", "vhdx", "-r", "all", "dirty.vhdx");
	run_tool("qemu-img", "convert", "-f", "vhdx", "-O", "raw", "dirty.vhdx",
		 "replayed");
	fd = open("replayed", O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, replayed, X_DISK), X_DISK);
	assert_memory_equal(replayed, content, X_DISK);
}

static void expect_damage(const uint8_t *image, const char *text)
{
	expect_refusal(image, X_FILE, X_NAME, -EBADMSG, text);
}

#define NO_SEQUENCE                                                                      \
	"'C.vhdx': VHDX header says a log to replay, but the log holds no whole "        \
	"sequence of "                                                                   \
	"entries"

/* -- what is replayed ---- */

static void data_and_zeros_of_an_entry_are_seen(void **state)
{
	static const struct change changes[] = {
		{ X_BLOCK_0 + 8192, 0, 77 },
		{ X_BLOCK_0 + 64 * KiB, 32 * KiB, 0 },
	};
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();

	put_entry(image, 0, &(struct entry){ 5, 0, changes, 2 });
	fill_pattern(content + 8192, SECTOR, 77);
	memset(content + 64 * KiB, 0, 32 * KiB);
	expect_content(image, content, 1, SECTOR + 32 * KiB);
}

static void the_file_is_not_written(void **state)
{
	static const struct change changes[] = { { X_BLOCK_0, 0, 77 } };
	AUTO_FREE uint8_t *image = make_dirty(), *after = malloc(X_FILE);
	AUTO(source_freep) struct block_source *disk = NULL;
	struct block_source *file = NULL;
	struct image_info info;
	struct err err = { 0 };
	uint8_t sector[SECTOR];
	int fd;

	put_entry(image, 0, &(struct entry){ 5, 0, changes, 1 });
	write_file("ours.vhdx", image, X_FILE);
	assert_int_equal(chmod("ours.vhdx", 0400), 0);
	assert_succeeds(source_file_open("ours.vhdx", &file, &err));
	assert_succeeds(image_open(file, &info, &disk, &err));
	assert_succeeds(source_read(disk, sector, 0, SECTOR, &err));
	fd = open("ours.vhdx", O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, after, X_FILE), X_FILE);
	close(fd);
	assert_memory_equal(after, image, X_FILE);
}

static void later_changes_win_over_earlier_ones(void **state)
{
	static const struct change first[] = {
		{ X_BLOCK_0, 0, 1000 },
		{ X_BLOCK_0 + 4096, 0, 1001 },
		{ X_BLOCK_0 + 16384, 16384, 0 },
	};
	static const struct change second[] = {
		{ X_BLOCK_0 + 4096, 8192, 0 },
		{ X_BLOCK_0 + 20480, 0, 1002 },
	};
	static const struct change third[] = {
		{ X_BLOCK_0 + 8192, 0, 1003 },
		{ X_BLOCK_0 + 8192, 0, 1004 },
	};
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();
	uint32_t position = put_entry(image, 0, &(struct entry){ 5, 0, first, 3 });

	position = put_entry(image, position, &(struct entry){ 6, 0, second, 2 });
	put_entry(image, position, &(struct entry){ 7, 0, third, 2 });
	fill_pattern(content, SECTOR, 1000);
	memset(content + 4096, 0, 4096);
	fill_pattern(content + 8192, SECTOR, 1004);
	memset(content + 16384, 0, 16384);
	fill_pattern(content + 20480, SECTOR, 1002);
	expect_content(image, content, 3, 12288 + 16384);
}

/* More than 126 descriptors need a second sector for them. */
static void many_descriptors_go_on_in_the_next_sector(void **state)
{
	struct change changes[200];
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		changes[i] = (struct change){ X_BLOCK_0 + i * SECTOR, 0, 500 + i };
		fill_pattern(content + i * SECTOR, SECTOR, 500 + i);
	}
	put_entry(image, 0, &(struct entry){ 5, 0, changes, ARRAY_SIZE(changes) });
	expect_our_content(image, content, 1, 200 * SECTOR);
}

static void a_sequence_goes_on_around_the_end_of_the_ring(void **state)
{
	struct change changes[100];
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();
	uint32_t start = LOG_SIZE - 3 * SECTOR, position;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		changes[i] = (struct change){ X_BLOCK_0 + i * SECTOR, 0, 500 + i };
		fill_pattern(content + i * SECTOR, SECTOR, 500 + i);
	}
	/* the first entry itself lies around the end, the second one behind it */
	position = put_entry(image, start, &(struct entry){ 8, start, changes, 60 });
	assert_int_equal(position, 58 * SECTOR);
	put_entry(image, position, &(struct entry){ 9, start, changes + 60, 40 });
	expect_our_content(image, content, 2, 100 * SECTOR);
}

/* What stands before the tail has been written to its place before, and may be stale. */
static void entries_before_the_tail_are_left(void **state)
{
	static const struct change stale[] = { { X_BLOCK_0, 0, 1 },
					       { X_BLOCK_0 + 4096, 0, 2 } };
	static const struct change fresh[] = { { X_BLOCK_0 + 8192, 0, 900 } };
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();
	uint32_t second = put_entry(image, 0, &(struct entry){ 5, 0, stale, 2 });

	put_entry(image, second, &(struct entry){ 6, second, fresh, 1 });
	memcpy(image + X_BLOCK_0, content, SECTOR);
	fill_pattern(content + 8192, SECTOR, 900);
	expect_our_content(image, content, 1, SECTOR);
}

static void a_torn_last_entry_is_left(void **state)
{
	static const struct change whole[] = { { X_BLOCK_0, 0, 900 } };
	static const struct change torn[] = { { X_BLOCK_0 + 4096, 0, 901 } };
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();
	uint32_t second = put_entry(image, 0, &(struct entry){ 5, 0, whole, 1 });

	put_entry(image, second, &(struct entry){ 6, 0, torn, 1 });
	memset(image + X_LOG + second + SECTOR + 2048, 0,
	       2048); /* half a sector not written */
	fill_pattern(content, SECTOR, 900);
	expect_content(image, content, 1, SECTOR);
}

static void the_highest_of_several_sequences_counts(void **state)
{
	static const struct change low[] = { { X_BLOCK_0, 0, 900 } };
	static const struct change high[] = { { X_BLOCK_0 + 4096, 0, 901 } };
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();

	put_entry(image, 0, &(struct entry){ 50, 0, high, 1 });
	put_entry(image, 64 * KiB, &(struct entry){ 20, 64 * KiB, low, 1 });
	fill_pattern(content + 4096, SECTOR, 901);
	expect_content(image, content, 1, SECTOR);
}

static void entries_of_another_log_are_left(void **state)
{
	static const struct change ours[] = { { X_BLOCK_0, 0, 900 } };
	static const struct change foreign[] = { { X_BLOCK_0, 0, 901 } };
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();
	uint32_t second = put_entry(image, 0, &(struct entry){ 5, 0, ours, 1 });

	put_entry(image, second, &(struct entry){ 6, 0, foreign, 1, .guid = old_guid });
	fill_pattern(content, SECTOR, 900);
	expect_content(image, content, 1, SECTOR);
}

static void an_entry_without_changes_is_sound(void **state)
{
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();

	put_entry(image, 0, &(struct entry){ 5, 0, NULL, 0 });
	expect_content(image, content, 1, 0);
}

/* The table in its place is stale: it names a block that is nowhere. */
static void regions_metadata_and_table_are_read_through_the_log(void **state)
{
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();
	AUTO_FREE uint8_t *good = make_vhdx();
	AUTO(source_freep) struct block_source *disk = NULL;
	static const uint64_t places[] = { X_REGIONS_1, X_METADATA, X_METADATA + 64 * KiB,
					   X_BAT };
	struct change changes[ARRAY_SIZE(places)] = { 0 };
	AUTO_FREE uint8_t *read = NULL;
	struct image_info info;
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		changes[i] = (struct change){ places[i], 0, 0 };
	put_entry(image, 0, &(struct entry){ 5, 0, changes, ARRAY_SIZE(places) });
	/* the data sectors and descriptors get what belongs in these places */
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		uint8_t *descriptor = image + X_LOG + 64 + 32 * i;
		uint8_t *data = image + X_LOG + SECTOR * (i + 1);

		memcpy(descriptor + 8, good + places[i], 8);
		memcpy(descriptor + 4, good + places[i] + 4092, 4);
		memcpy(data + 8, good + places[i] + 8, 4084);
		memset(image + places[i], 0xa5, SECTOR);
	}
	x_fix(image + X_LOG, SECTOR * (ARRAY_SIZE(places) + 1));
	assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
	read = read_all(disk);
	assert_memory_equal(read, content, X_DISK);
	assert_string_equal(info.notes, "");
}

static void a_file_that_has_yet_to_grow_reads_as_zeros_there(void **state)
{
	static const struct change table[] = { { X_BAT, 0, 0 } };
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content(),
			  *read = NULL;
	AUTO(source_freep) struct block_source *disk = NULL;
	uint8_t *descriptor = image + X_LOG + 64, *data = image + X_LOG + SECTOR;
	struct image_info info;
	struct err err = { 0 };

	put_entry(image, 0, &(struct entry){ 5, 0, table, 1, .last = X_FILE + 2 * MiB });
	memcpy(descriptor + 8, image + X_BAT, 8);
	memcpy(descriptor + 4, image + X_BAT + 4092, 4);
	memcpy(data + 8, image + X_BAT + 8, 4084);
	put_le(data + 8, 8, X_FILE | 6); /* block 1: in the space to come */
	x_fix(image + X_LOG, 2 * SECTOR);
	assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
	assert_string_equal(info.notes,
			    "log lets the file grow by 2097152 bytes, read as zeros");
	assert_int_equal(info.allocated, 3 * X_BLOCK);
	read = read_all(disk);
	assert_memory_equal(read, content, X_DISK);
}

static void without_its_id_in_the_header_a_log_is_left(void **state)
{
	static const struct change changes[] = { { X_BLOCK_0, 0, 900 } };
	AUTO_FREE uint8_t *image = make_vhdx(), *content = make_vhdx_content();

	put_entry(image, 0, &(struct entry){ 5, 0, changes, 1 });
	expect_content(image, content, 0, 0);
}

/* Many changes in random places against the simplest way to apply them. */
static void random_changes_end_in_what_applying_them_one_by_one_gives(void **state)
{
	unsigned seed = 20240607;

	for (unsigned round = 0; round < 20; round++) {
		AUTO_FREE uint8_t *image = make_dirty(), *plain = make_vhdx();
		AUTO(source_freep) struct block_source *disk = NULL;
		AUTO_FREE uint8_t *read = NULL;
		uint32_t position = (uint32_t)rand_r(&seed) % 256 * SECTOR,
			 start = position;
		struct image_info info;
		struct err err = { 0 };

		for (uint64_t sequence = 10; sequence < 16; sequence++) {
			struct change changes[30];

			for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
				uint64_t sector = (uint64_t)rand_r(&seed) % 100;
				uint64_t length = (uint64_t)rand_r(&seed) % 8;
				uint8_t *target = plain + X_BLOCK_0 + sector * SECTOR;

				length = length > 3 ? 0 : length * SECTOR;
				changes[i] =
					(struct change){ X_BLOCK_0 + sector * SECTOR,
							 length, sequence * 100 + i };
				if (length)
					memset(target, 0, length);
				else
					fill_pattern(target, SECTOR, sequence * 100 + i);
			}
			position = put_entry(image, position,
					     &(struct entry){ sequence, start, changes,
							      ARRAY_SIZE(changes) });
		}
		assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
		read = malloc(X_BLOCK);
		assert_succeeds(source_read(disk, read, 0, X_BLOCK, &err));
		assert_memory_equal(read, plain + X_BLOCK_0, X_BLOCK);
	}
}

/* -- what is refused ---- */

static void a_log_without_a_whole_sequence_is_refused(void **state)
{
	static const struct change changes[] = { { X_BLOCK_0, 0, 900 } };
	AUTO_FREE uint8_t *empty = make_dirty(), *foreign = make_dirty(),
			  *bad = make_dirty();
	AUTO_FREE uint8_t *lost_tail = make_dirty();

	expect_damage(empty, NO_SEQUENCE);
	put_entry(foreign, 0, &(struct entry){ 5, 0, changes, 1, .guid = old_guid });
	expect_damage(foreign, NO_SEQUENCE);
	put_entry(bad, 0, &(struct entry){ 5, 0, changes, 1 });
	bad[X_LOG + 100] ^= 1;
	expect_damage(bad, NO_SEQUENCE);
	put_entry(lost_tail, 0, &(struct entry){ 5, 64 * KiB, changes, 1 });
	expect_damage(lost_tail, NO_SEQUENCE);
}

/* Each field of an entry's header makes it no entry at all. */
static void an_entry_with_an_impossible_header_is_none(void **state)
{
	static const struct {
		size_t offset;
		unsigned width;
		uint64_t value;
	} cases[] = {
		{ 0, 1, 'L' },		/* signature */
		{ 8, 4, 0 },		/* length */
		{ 8, 4, SECTOR + 512 }, /* not whole sectors */
		{ 8, 4, LOG_SIZE + SECTOR },
		{ 12, 4, 512 }, /* tail */
		{ 12, 4, LOG_SIZE },
		{ 16, 8, 0 },	 /* sequence */
		{ 24, 4, 1000 }, /* descriptors that do not fit */
		{ 24, 4, UINT32_MAX },
	};
	static const struct change changes[] = { { X_BLOCK_0, 0, 900 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *image = make_dirty();

		put_entry(image, 0, &(struct entry){ 5, 0, changes, 1 });
		put_le(image + X_LOG + cases[i].offset, cases[i].width, cases[i].value);
		x_fix(image + X_LOG, 2 * SECTOR);
		expect_damage(image, NO_SEQUENCE);
	}
}

static void spoil_descriptor_signature(uint8_t *bytes)
{
	bytes[64] = 'D';
}

static void spoil_descriptor_sequence(uint8_t *bytes)
{
	bytes[64 + 24] ^= 1;
}

static void spoil_data_signature(uint8_t *bytes)
{
	bytes[SECTOR] = 'D';
}

static void spoil_data_sequence(uint8_t *bytes)
{
	bytes[2 * SECTOR - 4] ^= 1;
}

static void spoil_count(uint8_t *bytes)
{
	bytes[24] = 2;
	memcpy(bytes + 96, bytes + 64, 32);
}

static void spoil_zero_length(uint8_t *bytes)
{
	memcpy(bytes + 64, "zero", 4);
	put_le(bytes + 72, 8, 512);
}

static void a_whole_entry_that_means_nothing_is_refused(void **state)
{
	static const struct {
		void (*spoil)(uint8_t *bytes);
		const char *text;
	} cases[] = {
		{ spoil_descriptor_signature,
		  "'C.vhdx': VHDX log entry 5 has a descriptor without 'desc' or 'zero' "
		  "and its "
		  "number" },
		{ spoil_descriptor_sequence,
		  "'C.vhdx': VHDX log entry 5 has a descriptor without 'desc' or 'zero' "
		  "and its "
		  "number" },
		{ spoil_data_signature, "'C.vhdx': VHDX log entry 5 has a data sector "
					"without 'data' and its number" },
		{ spoil_data_sequence, "'C.vhdx': VHDX log entry 5 has a data sector "
				       "without 'data' and its number" },
		{ spoil_count, "'C.vhdx': VHDX log entry 5 has more data descriptors "
			       "than data sectors" },
		{ spoil_zero_length, "'C.vhdx': VHDX log changes 5242880+512, must be "
				     "whole sectors of 4096" },
	};
	static const struct change changes[] = { { X_BLOCK_0, 0, 900 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *image = make_dirty();

		put_entry_spoiled(image, 0, &(struct entry){ 5, 0, changes, 1 },
				  cases[i].spoil);
		expect_damage(image, cases[i].text);
	}
}

static void changes_outside_of_what_a_log_may_change_are_refused(void **state)
{
	static const struct {
		struct change change;
		const char *text;
	} cases[] = {
		{ { X_BLOCK_0 + 512, 0, 1 },
		  "'C.vhdx': VHDX log changes 5243392+4096, must be whole sectors of "
		  "4096" },
		{ { X_FILE, 0, 1 },
		  "'C.vhdx': VHDX log changes 6291456+4096, beyond the end of the file "
		  "of 6291456 "
		  "bytes" },
		{ { X_BLOCK_0, 2 * MiB, 0 },
		  "'C.vhdx': VHDX log changes 5242880+2097152, beyond the end of the "
		  "file of "
		  "6291456 bytes" },
		{ { X_BLOCK_0, -(uint64_t)SECTOR, 0 },
		  "'C.vhdx': VHDX log changes 5242880+18446744073709547520, beyond the "
		  "end of the "
		  "file of 6291456 bytes" },
		{ { X_HEADER_2, 0, 1 },
		  "'C.vhdx': VHDX log changes 131072+4096, where the headers lie" },
		{ { X_LOG + 8192, 0, 1 },
		  "'C.vhdx': VHDX log changes 1056768+4096, where the log itself lies" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *image = make_dirty();

		put_entry(image, 0, &(struct entry){ 5, 0, &cases[i].change, 1 });
		expect_damage(image, cases[i].text);
	}
}

static void a_file_shorter_than_its_log_says_was_cut(void **state)
{
	static const struct change changes[] = { { X_BLOCK_0, 0, 900 } };
	AUTO_FREE uint8_t *cut = make_dirty(), *endless = make_dirty();

	put_entry(cut, 0,
		  &(struct entry){ 5, 0, changes, 1, X_FILE + MiB, X_FILE + MiB });
	expect_damage(cut,
		      "'C.vhdx': file has 6291456 bytes, its log says that 7340032 were "
		      "stored: cut short");
	put_entry(endless, 0, &(struct entry){ 5, 0, changes, 1, .last = 200 * TiB });
	expect_damage(
		endless,
		"'C.vhdx': VHDX log lets the file grow to 219902325555200 bytes, at "
		"most 128 TiB");
}

/* Every sector claims to be an entry as long as the ring: checking them all would sum the
 * ring as often as it has sectors. */
static void entries_inside_each_other_end_the_search(void **state)
{
	AUTO_FREE uint8_t *image = make_dirty();

	for (uint32_t position = 0; position < LOG_SIZE; position += SECTOR) {
		uint8_t *entry = image + X_LOG + position;

		memcpy(entry, "loge", 4);
		put_le(entry + 8, 4, LOG_SIZE);
		put_le(entry + 16, 8, 1);
		put_guid(entry + 32, log_guid);
	}
	expect_damage(image,
		      "'C.vhdx': VHDX log is made of entries that lie inside each other");
}

static void a_log_that_lies_nowhere_is_refused(void **state)
{
	static const struct {
		size_t offset;
		unsigned width;
		uint64_t value;
		int code;
		const char *text;
	} cases[] = {
		{ 64, 2, 1, -ENOTSUP, "'C.vhdx': VHDX log version 1, known is 0" },
		{ 68, 4, 0, -EBADMSG,
		  "'C.vhdx': VHDX header says a log to replay, of length 0" },
		{ 68, 4, 64 * MiB, -ENOTSUP,
		  "'C.vhdx': VHDX log to replay of 67108864 bytes, at most 33554432 are "
		  "supported: open the image once in Windows" },
		{ 68, 4, 8 * MiB, -EBADMSG,
		  "'C.vhdx': VHDX log to replay at 1048576+8388608, must lie behind the "
		  "headers "
		  "in the file of 6291456 bytes" },
		{ 72, 8, 0, -EBADMSG,
		  "'C.vhdx': VHDX log to replay at 0+1048576, must lie behind the "
		  "headers in the "
		  "file of 6291456 bytes" },
		{ 72, 8, -MiB, -EBADMSG,
		  "'C.vhdx': VHDX log to replay at 18446744073708503040+1048576, must "
		  "lie behind "
		  "the headers in the file of 6291456 bytes" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *image = make_dirty();

		for (unsigned k = 0; k < 2; k++) {
			uint8_t *header = image + (k ? X_HEADER_2 : X_HEADER_1);

			put_le(header + cases[i].offset, cases[i].width, cases[i].value);
			x_fix(header, 4096);
		}
		expect_refusal(image, X_FILE, X_NAME, cases[i].code, cases[i].text);
	}
}

static void every_failing_read_is_told(void **state)
{
	static const struct change changes[] = { { X_BLOCK_0, 0, 900 } };
	AUTO_FREE uint8_t *image = make_dirty();

	put_entry(image, 0, &(struct entry){ 5, 0, changes, 1 });
	expect_every_failing_read_to_be_told(image, X_FILE, X_NAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_and_zeros_of_an_entry_are_seen),
		cmocka_unit_test(the_file_is_not_written),
		cmocka_unit_test(later_changes_win_over_earlier_ones),
		cmocka_unit_test(many_descriptors_go_on_in_the_next_sector),
		cmocka_unit_test(a_sequence_goes_on_around_the_end_of_the_ring),
		cmocka_unit_test(entries_before_the_tail_are_left),
		cmocka_unit_test(a_torn_last_entry_is_left),
		cmocka_unit_test(the_highest_of_several_sequences_counts),
		cmocka_unit_test(entries_of_another_log_are_left),
		cmocka_unit_test(an_entry_without_changes_is_sound),
		cmocka_unit_test(regions_metadata_and_table_are_read_through_the_log),
		cmocka_unit_test(a_file_that_has_yet_to_grow_reads_as_zeros_there),
		cmocka_unit_test(without_its_id_in_the_header_a_log_is_left),
		cmocka_unit_test(
			random_changes_end_in_what_applying_them_one_by_one_gives),
		cmocka_unit_test(a_log_without_a_whole_sequence_is_refused),
		cmocka_unit_test(an_entry_with_an_impossible_header_is_none),
		cmocka_unit_test(a_whole_entry_that_means_nothing_is_refused),
		cmocka_unit_test(changes_outside_of_what_a_log_may_change_are_refused),
		cmocka_unit_test(a_file_shorter_than_its_log_says_was_cut),
		cmocka_unit_test(entries_inside_each_other_end_the_search),
		cmocka_unit_test(a_log_that_lies_nowhere_is_refused),
		cmocka_unit_test(every_failing_read_is_told),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
