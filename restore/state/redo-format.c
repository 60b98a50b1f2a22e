/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pointer and index of a change that is half-way: see redo.h. Pure. */
#include "redo.h"

#include <inttypes.h>

#include <base/checked.h>
#include <base/crc32c.h>

/* Not what any file system has there: NTFS and FAT have a jump and their name. */
static const uint8_t magic[16] = "openbmr redo 1\n";

static uint32_t pointer_crc(const struct redo_pointer_disk *disk)
{
	struct redo_pointer_disk copy = *disk;

	copy.crc = put_le32(0);
	return crc32c(0, &copy, sizeof(copy));
}

void redo_pointer_encode(const struct redo_pointer *pointer, uint8_t sector[512])
{
	struct redo_pointer_disk disk = {
		.sector_size = put_le32(pointer->sector_size),
		.volume_length = put_le64(pointer->volume_length),
		.time = put_le64((uint64_t)pointer->time),
		.record_count = put_le32(pointer->record_count),
		.index_crc = put_le32(pointer->index_crc),
		.extent_count = put_le32(pointer->extent_count),
	};

	memcpy(disk.magic, magic, sizeof(magic));
	for (uint32_t i = 0; i < pointer->extent_count && i < REDO_EXTENTS; i++) {
		disk.extents[i].offset = put_le64(pointer->extents[i].offset);
		disk.extents[i].length = put_le64(pointer->extents[i].length);
	}
	disk.crc = put_le32(pointer_crc(&disk));
	memcpy(sector, &disk, sizeof(disk));
}

static int check_pointer(const struct redo_pointer *pointer, struct err *err)
{
	uint64_t end = pointer->sector_size;

	if ((pointer->sector_size != 512 && pointer->sector_size != 4096) ||
	    pointer->volume_length % pointer->sector_size ||
	    pointer->volume_length < REDO_PAGE)
		return err_set(err, -EBADMSG,
			       "the record of a change is impossible: sectors of %" PRIu32
			       " bytes, a volume of %" PRIu64,
			       pointer->sector_size, pointer->volume_length);
	if (!pointer->record_count || pointer->record_count > REDO_MAX_RECORDS ||
	    !pointer->extent_count || pointer->extent_count > REDO_EXTENTS)
		return err_set(err, -EBADMSG,
			       "the record of a change is impossible: %" PRIu32
			       " ranges in %" PRIu32 " pieces",
			       pointer->record_count, pointer->extent_count);
	for (uint32_t i = 0; i < pointer->extent_count; i++) {
		const struct redo_range *extent = &pointer->extents[i];

		if (!extent->length || extent->offset % REDO_PAGE ||
		    extent->length % REDO_PAGE || extent->offset < end ||
		    !range_within(extent->offset, extent->length, pointer->volume_length))
			return err_set(err, -EBADMSG,
				       "the record of a change is impossible: piece "
				       "%" PRIu32 " at %" PRIu64 "+%" PRIu64,
				       i, extent->offset, extent->length);
		end = extent->offset + extent->length;
	}
	return 0;
}

int redo_pointer_decode(const uint8_t sector[512], struct redo_pointer *ret,
			struct err *err)
{
	struct redo_pointer_disk disk;
	struct redo_pointer pointer;
	int r;

	memcpy(&disk, sector, sizeof(disk));
	if (memcmp(disk.magic, magic, sizeof(magic)) != 0)
		return err_set(err, -ENOEXEC, "no change is half-way");
	if (get_le32(disk.crc) != pointer_crc(&disk))
		return err_set(err, -EBADMSG,
			       "the record of a change is damaged: checksum");
	pointer = (struct redo_pointer){
		.sector_size = get_le32(disk.sector_size),
		.record_count = get_le32(disk.record_count),
		.index_crc = get_le32(disk.index_crc),
		.extent_count = get_le32(disk.extent_count),
		.volume_length = get_le64(disk.volume_length),
		.time = (int64_t)get_le64(disk.time),
	};
	for (uint32_t i = 0; i < REDO_EXTENTS; i++)
		pointer.extents[i] =
			(struct redo_range){ get_le64(disk.extents[i].offset),
					     get_le64(disk.extents[i].length) };
	r = check_pointer(&pointer, err);
	if (r == 0)
		*ret = pointer;
	return r;
}

/* -- the index --------------------------------------------------------------------- */

static uint64_t padded(uint64_t length)
{
	return (length + REDO_PAGE - 1) / REDO_PAGE * REDO_PAGE;
}

uint64_t redo_log_length(const struct redo_record *records, size_t count)
{
	uint64_t length = padded(count * sizeof(struct redo_record_disk));

	for (size_t i = 0; i < count; i++)
		length += padded(records[i].length);
	return length;
}

static bool touches_log(const struct redo_pointer *pointer,
			const struct redo_record *record)
{
	for (uint32_t i = 0; i < pointer->extent_count; i++)
		if (ranges_overlap(record->offset, record->length,
				   pointer->extents[i].offset,
				   pointer->extents[i].length))
			return true;
	return false;
}

static int check_record(const struct redo_pointer *pointer,
			const struct redo_record *record, uint64_t end, struct err *err)
{
	if (!record->length || record->length > REDO_MAX_LENGTH || record->offset < end ||
	    record->offset % pointer->sector_size ||
	    record->length % pointer->sector_size ||
	    !range_within(record->offset, record->length, pointer->volume_length) ||
	    touches_log(pointer, record))
		return err_set(err, -EBADMSG,
			       "the record of a change is impossible: a range at %" PRIu64
			       "+%" PRIu32,
			       record->offset, record->length);
	return 0;
}

int redo_index_decode(const struct redo_pointer *pointer, const uint8_t *bytes,
		      size_t length, struct redo_record **ret, struct err *err)
{
	AUTO_FREE struct redo_record *records =
		calloc(pointer->record_count, sizeof(*records));
	size_t wanted = pointer->record_count * sizeof(struct redo_record_disk);
	uint64_t end = 0, room = 0;
	int r = 0;

	if (!records)
		return err_nomem(err);
	if (length < wanted || crc32c(0, bytes, wanted) != pointer->index_crc)
		return err_set(
			err, -EBADMSG,
			"the record of a change is damaged: checksum of its index");
	for (uint32_t i = 0; i < pointer->record_count && r == 0; i++) {
		struct redo_record_disk disk;

		memcpy(&disk, bytes + i * sizeof(disk), sizeof(disk));
		records[i] =
			(struct redo_record){ get_le64(disk.offset),
					      get_le32(disk.length), get_le32(disk.crc) };
		r = check_record(pointer, &records[i], end, err);
		end = records[i].offset + records[i].length;
	}
	for (uint32_t i = 0; i < pointer->extent_count; i++)
		room += pointer->extents[i].length;
	if (r == 0 && (records[0].offset != 0 ||
		       redo_log_length(records, pointer->record_count) > room))
		r = err_set(err, -EBADMSG,
			    "the record of a change is impossible: no boot sector, or "
			    "more than its %" PRIu64 " bytes",
			    room);
	if (r == 0)
		*ret = TAKE_PTR(records);
	return r;
}
