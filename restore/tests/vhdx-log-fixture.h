/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entries of a VHDX log, by hand from [MS-VHDX] 2.3, and what must be read through them. */
#pragma once

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

static inline void put_descriptor(uint8_t *at, const struct change *change, uint64_t sequence,
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
static inline void put_ring(uint8_t *ring, uint32_t position, const uint8_t *bytes,
		     size_t length)
{
	for (size_t i = 0; i < length; i++)
		ring[(position + i) % LOG_SIZE] = bytes[i];
}

/* Puts the entry at position of the image's log; returns where the next one belongs.
 * spoil (may be NULL) changes its bytes before the sum is made. */
static inline uint32_t put_entry_spoiled(uint8_t *image, uint32_t position,
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

static inline uint32_t put_entry(uint8_t *image, uint32_t position, const struct entry *entry)
{
	return put_entry_spoiled(image, position, entry, NULL);
}

/* The good image, with a header that names a log to replay. */
static inline uint8_t *make_dirty(void)
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
static inline void expect_our_content(const uint8_t *image, const uint8_t *content,
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
 * sequences around the end of the ring, entries of an earlier lap behind the last one, descriptors in
 * more than one sector. */
static inline void expect_content(const uint8_t *image, const uint8_t *content, uint64_t entries,
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
