/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sidecar of block hashes: written here by its description, read as pages of hashes, then
 * spoiled field by field. How it is made and used is tried in qemu-tests. */
#include "image-fixture.h"

#include <base/text.h>

#include "formats/block-index.h"

#define NAME  "openbmr.index"
#define CURE  "make it anew with 'bmr index', or restore with --no-index"
#define IMAGE "C.vhdx"

/* Two images; the second has records for its chunks 1 and 3 of 5, the last one half a chunk. */
#define HEAD	(sizeof(struct index_head_disk) + 2 * sizeof(struct index_image_disk))
#define LENGTH	(UINT64_C(4) * INDEX_CHUNK + INDEX_CHUNK / 2)
#define RECORD	(sizeof(struct index_record_disk) + 2 * sizeof(struct index_hash))
#define SIDECAR (HEAD + 2 * RECORD)

struct sidecar {
	struct index_head_disk head;
	struct index_image_disk images[2];
	struct {
		struct index_record_disk record;
		struct index_hash hashes[2];
	} records[2];
};
_Static_assert(sizeof(struct sidecar) == SIDECAR, "no padding");

static struct index_hash hash_of(uint64_t number)
{
	return (struct index_hash){ put_le64(number), put_le64(~number) };
}

static void seal_record(struct sidecar *sidecar, size_t i)
{
	sidecar->records[i].record.check = put_le64(index_record_check(
		&sidecar->records[i].record, sidecar->records[i].hashes));
}

static void seal_head(struct sidecar *sidecar)
{
	index_head_check(&sidecar->head, sidecar->images, &sidecar->head.check);
}

static struct sidecar make_sidecar(void)
{
	static const uint64_t chunks[] = { 1, 3 };
	static const uint64_t masks[] = { 1ull << 63 | 1, 6 };
	struct sidecar sidecar = {
		.head = { .version = put_le32(1),
			  .block_size = put_le32(65536),
			  .images = put_le32(2),
			  .size = put_le64(SIDECAR) },
		.images[0] = { .name = "Esp.vhdx",
			       .volume_length = put_le64(5),
			       .offset = put_le64(HEAD) },
		.images[1] = { .name = IMAGE,
			       .file_size = put_le64(1000),
			       .mtime_ns = put_le64(1567285200123456700),
			       .heads = hash_of(9),
			       .volume_length = put_le64(LENGTH),
			       .offset = put_le64(HEAD),
			       .length = put_le64(2 * RECORD),
			       .records = put_le64(2) },
	};

	memcpy(sidecar.head.magic, "openbmri", 8);
	sidecar.images[1].unique_id.b[0] = 7;
	for (size_t i = 0; i < 2; i++) {
		sidecar.records[i].record.chunk = put_le64(chunks[i]);
		sidecar.records[i].record.mask = put_le64(masks[i]);
		sidecar.records[i].hashes[0] = hash_of(10 * i + 1);
		sidecar.records[i].hashes[1] = hash_of(10 * i + 2);
		seal_record(&sidecar, i);
	}
	seal_head(&sidecar);
	return sidecar;
}

static struct index_identity make_identity(void)
{
	struct index_identity identity = { .name = IMAGE,
					   .file_size = 1000,
					   .mtime_ns = 1567285200123456789,
					   .heads = hash_of(9) };

	identity.unique_id.b[0] = 7;
	return identity;
}

static int open_sidecar(const void *bytes, size_t length,
			const struct index_identity *identity, struct block_source **ret,
			struct err *err)
{
	struct block_source *file = NULL;

	assert_int_equal(source_memory_new(bytes, length, NAME, &file, err), 0);
	return index_source_new(file, identity, ret, err);
}

static void expect_hash(struct block_source *index, uint64_t chunk, unsigned block,
			const struct index_hash *expected)
{
	struct index_hash found;
	struct err err = { 0 };

	assert_succeeds(source_read(index, &found,
				    chunk * INDEX_PAGE + block * sizeof(found),
				    sizeof(found), &err));
	assert_memory_equal(&found, expected, sizeof(found));
}

static void each_chunk_has_a_page_of_hashes_in_any_order(void **state)
{
	const struct index_hash none = { 0 }, h1 = hash_of(1), h2 = hash_of(2),
				h11 = hash_of(11), h12 = hash_of(12);
	const struct index_identity identity = make_identity();
	const struct sidecar sidecar = make_sidecar();
	AUTO(source_freep) struct block_source *index = NULL;
	struct err err = { 0 };

	assert_succeeds(open_sidecar(&sidecar, SIDECAR, &identity, &index, &err));
	assert_int_equal(index->size, 5 * INDEX_PAGE);
	for (unsigned i = 0; i < 2; i++) { /* the second time backwards from the end */
		expect_hash(index, 0, 0, &none);
		expect_hash(index, 1, 0, &h1);
		expect_hash(index, 1, 1, &none);
		expect_hash(index, 1, 63, &h2);
		expect_hash(index, 2, 5, &none);
		expect_hash(index, 3, 1, &h11);
		expect_hash(index, 3, 2, &h12);
		expect_hash(index, 4, 0, &none);
	}
}

static void what_is_free_is_not_hashed(void **state)
{
	AUTO_FREE uint8_t *bytes = malloc(INDEX_CHUNK);
	const struct index_range ranges[] = { { 4096, 8192 },
					      { 65000, 1000 },
					      { 3 * 65536, 65536 } };
	struct index_hash before[INDEX_BLOCKS], after[INDEX_BLOCKS];

	fill_pattern(bytes, INDEX_CHUNK, 1);
	index_hash_chunk(bytes, 0, ranges, 3, before);
	assert_int_equal(index_mask(before), 0xb);
	bytes[0] ^= 1;
	bytes[20000] ^= 1;
	bytes[2 * 65536] ^= 1;
	index_hash_chunk(bytes, 0, ranges, 3, after);
	assert_memory_equal(before, after, sizeof(before));
	/* the same from the first byte of data on */
	index_hash_chunk(bytes + 4096, 4096, ranges, 3, after);
	assert_memory_equal(before, after, sizeof(before));
	bytes[65536 + 463] ^= 1; /* the last byte of the second range */
	index_hash_chunk(bytes, 0, ranges, 3, after);
	assert_memory_equal(&before[0], &after[0], sizeof(before[0]));
	assert_memory_not_equal(&before[1], &after[1], sizeof(before[1]));
	assert_memory_equal(&before[3], &after[3], sizeof(before[3]));
}

static void expect_stale(const struct index_identity *identity, const char *text)
{
	const struct sidecar sidecar = make_sidecar();
	struct block_source *index = NULL;
	struct err err = { 0 };

	assert_failed(open_sidecar(&sidecar, SIDECAR, identity, &index, &err), -ESTALE,
		      text);
}

static void a_sidecar_of_another_image_is_stale(void **state)
{
	const struct sidecar sidecar = make_sidecar();
	AUTO(source_freep) struct block_source *index = NULL;
	struct index_identity identity = make_identity();
	struct err err = { 0 };

	identity.name = "c.VHDX.zst"; /* packed since, on a server without case */
	assert_succeeds(open_sidecar(&sidecar, SIDECAR, &identity, &index, &err));
	identity.name = "D.vhdx";
	expect_stale(&identity,
		     "'" NAME
		     "': index of another backup: it does not know 'D.vhdx'; " CURE);
	identity = make_identity();
	identity.file_size++;
	expect_stale(&identity, "'" NAME "': stale index: '" IMAGE
				"' grew or shrank since it was made; " CURE);
	identity = make_identity();
	identity.mtime_ns += 100;
	expect_stale(&identity, "'" NAME "': stale index: '" IMAGE
				"' was written to since it was made; " CURE);
	identity = make_identity();
	identity.unique_id.b[3] = 1;
	expect_stale(&identity, "'" NAME "': stale index: '" IMAGE
				"' got another unique id since it was made; " CURE);
	identity = make_identity();
	identity.heads = hash_of(8);
	expect_stale(&identity, "'" NAME "': stale index: '" IMAGE
				"' got other headers since it was made; " CURE);
}

static void expect_damaged(const struct sidecar *sidecar, size_t length, int code,
			   const char *text)
{
	const struct index_identity identity = make_identity();
	struct block_source *index = NULL;
	struct err err = { 0 };

	assert_failed(open_sidecar(sidecar, length, &identity, &index, &err), code, text);
}

static void a_damaged_head_is_refused_field_by_field(void **state)
{
	struct sidecar bad = make_sidecar();
	AUTO_FREE char *cut =
		text_format("'" NAME "': damaged index: %zu bytes, %zu were "
			    "written; " CURE,
			    SIDECAR - 1, SIDECAR);

	memset(bad.head.magic, 0, 8);
	expect_damaged(&bad, SIDECAR, -EBADMSG,
		       "'" NAME
		       "': damaged index: it does not begin as one, or was never "
		       "finished; " CURE);
	bad = make_sidecar();
	bad.head.version = put_le32(2);
	expect_damaged(&bad, SIDECAR, -ENOTSUP,
		       "'" NAME
		       "': index of version 2 with blocks of 65536 bytes, version 1 "
		       "with 65536 is known here; " CURE);
	bad = make_sidecar();
	bad.head.images = put_le32(65);
	expect_damaged(&bad, SIDECAR, -EBADMSG,
		       "'" NAME
		       "': damaged index: no number of images that can be; " CURE);
	bad = make_sidecar();
	expect_damaged(&bad, SIDECAR - 1, -EBADMSG, cut);
	expect_damaged(&bad, 20, -EBADMSG,
		       "'" NAME "': damaged index: it ends within its head; " CURE);
	bad.images[0].name[0] = 'F';
	expect_damaged(&bad, SIDECAR, -EBADMSG,
		       "'" NAME
		       "': damaged index: the checksum of its head is wrong; " CURE);
	bad = make_sidecar();
	bad.images[1].length = put_le64(2 * RECORD + 1);
	seal_head(&bad);
	expect_damaged(&bad, SIDECAR, -EBADMSG,
		       "'" NAME "': damaged index: records outside of the file; " CURE);
	bad = make_sidecar();
	bad.images[1].volume_length = put_le64(0);
	seal_head(&bad);
	expect_damaged(&bad, SIDECAR, -EBADMSG,
		       "'" NAME
		       "': damaged index: a volume of no length that can be; " CURE);
}

/* Reads the last page, which needs all records. */
static void expect_bad_record(struct sidecar *bad, size_t i, const char *what)
{
	const struct index_identity identity = make_identity();
	AUTO(source_freep) struct block_source *index = NULL;
	AUTO_FREE char *text =
		text_format("'" NAME "': damaged index: record at %zu %s; " CURE,
			    HEAD + i * RECORD, what);
	uint8_t page[INDEX_PAGE];
	struct err err = { 0 };

	assert_succeeds(open_sidecar(bad, SIDECAR, &identity, &index, &err));
	assert_failed(source_read(index, page, 4 * INDEX_PAGE, sizeof(page), &err),
		      -EBADMSG, text);
}

static void a_damaged_record_is_refused_where_it_lies(void **state)
{
	struct sidecar bad = make_sidecar();

	bad.records[1].hashes[1] = hash_of(99);
	expect_bad_record(&bad, 1, "has a wrong checksum");
	bad = make_sidecar();
	bad.records[1].record.chunk = put_le64(1);
	seal_record(&bad, 1);
	expect_bad_record(&bad, 1, "is not in its order");
	bad.records[1].record.chunk = put_le64(5);
	expect_bad_record(&bad, 1, "is not in its order");
	bad.records[1].record.chunk = put_le64(4);
	bad.records[1].record.mask = put_le64(1ull << 32 | 1);
	expect_bad_record(&bad, 1, "has blocks that the volume has not");
	bad = make_sidecar();
	bad.records[0].record.mask = put_le64(0);
	expect_bad_record(&bad, 0, "has blocks that the volume has not");
	bad = make_sidecar();
	bad.records[1].record.mask = put_le64(7);
	expect_bad_record(&bad, 1, "is cut off");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_chunk_has_a_page_of_hashes_in_any_order),
		cmocka_unit_test(what_is_free_is_not_hashed),
		cmocka_unit_test(a_sidecar_of_another_image_is_stale),
		cmocka_unit_test(a_damaged_head_is_refused_field_by_field),
		cmocka_unit_test(a_damaged_record_is_refused_where_it_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
