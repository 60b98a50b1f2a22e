/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pure parts of taking files out of a volume: reparse data, the format of files compressed by
 * Windows 10 (compressed here by wimlib itself), mdir's lines, names for a destination, items between
 * processes; and the folder that files are written into. Whole volumes are in qemu-tests.
 */
#include "image-fixture.h"

#include <sys/xattr.h>
#include <wimlib.h>

#include <restore/files.h>

#include "reader/item-wire.h"
#include "volumes/fat-listing.h"
#include "volumes/reparse.h"
#include "volumes/wof.h"

/* -- reparse data ----------------------------------------------------------------- */

static const uint8_t junction[] = {
	0x03, 0, 0,    0xa0, 30, 0,   0,   0,	0,   0,	   14, 0,   16,
	0,    4, 0,    '\\', 0,	 '?', 0,   '?', 0,   '\\', 0,  'C', 0,
	':',  0, '\\', 0,    0,	 0,   'C', 0,	':', 0,	   0,  0,
};
static const uint8_t wof_lzx[] = { 0x17, 0, 0, 0x80, 16, 0, 0, 0, 1, 0, 0, 0,
				   2,	 0, 0, 0,    1,	 0, 0, 0, 1, 0, 0, 0 };
static const uint8_t wof_in_wim[] = {
	0x17, 0, 0, 0x80, 8, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0
};

static struct reparse parse(const uint8_t *bytes, size_t length, uint32_t attributes)
{
	struct reparse reparse = { 0 };
	struct err err = { 0 };

	assert_succeeds(reparse_parse(bytes, length, attributes, &reparse, &err));
	return reparse;
}

static void where_a_junction_leads_is_told(void **state)
{
	AUTO(reparse_clear)
	struct reparse reparse = parse(junction, sizeof(junction), 0);

	assert_true(reparse.is_link);
	assert_string_equal(reparse.target, "C:");
}

static void without_a_name_to_print_the_real_one_is_told(void **state)
{
	uint8_t bytes[sizeof(junction)];
	struct reparse reparse;

	memcpy(bytes, junction, sizeof(bytes));
	bytes[14] = 0;
	reparse = parse(bytes, sizeof(bytes), 0);
	assert_string_equal(reparse.target, "C:\\");
	reparse_clear(&reparse);
}

static void compressed_files_are_told_from_those_in_a_wim(void **state)
{
	struct reparse reparse = parse(wof_lzx, sizeof(wof_lzx), 0);

	assert_int_equal(reparse.content, CONTENT_COMPRESSED);
	assert_int_equal(reparse.algorithm, WOF_LZX_32K);
	reparse = parse(wof_in_wim, sizeof(wof_in_wim), 0);
	assert_int_equal(reparse.content, CONTENT_ELSEWHERE);
}

static void content_that_is_elsewhere_is_never_taken_for_here(void **state)
{
	static const struct {
		uint32_t tag, attributes;
		enum item_content content;
	} cases[] = {
		{ 0x80000013, 0x200, CONTENT_DEDUPLICATED },
		{ 0x80000007, 0, CONTENT_DEDUPLICATED },
		{ 0xc0000004, 0x1000, CONTENT_ELSEWHERE },
		{ 0x9000001a, 0x1000, CONTENT_ELSEWHERE },
		{ 0x9000601a, 0x400000, CONTENT_ELSEWHERE },
		{ 0x9000701a, 0x200, CONTENT_ELSEWHERE },
		{ 0x9000701a, 0x20, CONTENT_STORED },
		{ 0x80000021, 0x20, CONTENT_STORED },
		{ 0x80000012, 0, CONTENT_STORED },
		{ 0x12345678, 0, CONTENT_UNKNOWN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t bytes[24] = { 0 };
		struct reparse reparse;

		memcpy(bytes, &cases[i].tag, 4);
		bytes[4] = 16;
		reparse = parse(bytes, sizeof(bytes), cases[i].attributes);
		assert_false(reparse.is_link);
		assert_int_equal(reparse.content, cases[i].content);
		assert_int_equal(item_content_readable(reparse.content),
				 item_content_text(reparse.content)[0] == '\0');
	}
}

static void damaged_reparse_data_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *text;
	} cases[] = {
		{ 4, 31, "reparse data with tag 0xa0000003: cut off" },
		{ 4, 7, "reparse data with tag 0xa0000003: cut off" },
		{ 12, 200, "reparse data with tag 0xa0000003: a path beyond its end" },
		{ 14, 23, "reparse data with tag 0xa0000003: a path beyond its end" },
		{ 14, 3, "reparse data with tag 0xa0000003: a path that is not UTF-16" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t bytes[sizeof(junction)];
		struct reparse reparse;
		struct err err = { 0 };

		memcpy(bytes, junction, sizeof(bytes));
		bytes[cases[i].at] = cases[i].value;
		assert_failed(reparse_parse(bytes, sizeof(bytes), 0, &reparse, &err),
			      -EBADMSG, cases[i].text);
	}
}

static void unknown_algorithms_are_refused(void **state)
{
	uint8_t bytes[sizeof(wof_lzx)];
	struct reparse reparse;
	struct err err = { 0 };

	memcpy(bytes, wof_lzx, sizeof(bytes));
	bytes[20] = 4;
	assert_failed(reparse_parse(bytes, sizeof(bytes), 0, &reparse, &err), -EBADMSG,
		      "reparse data with tag 0x80000017: an unknown version or "
		      "algorithm");
	assert_failed(reparse_parse(bytes, 5, 0, &reparse, &err), -EBADMSG,
		      "reparse data of 5 bytes, at least 8");
}

/* -- WofCompressedData ------------------------------------------------------------ */

static const struct {
	enum wof_algorithm algorithm;
	enum wimlib_compression_type type;
	uint32_t chunk;
} kinds[] = {
	{ WOF_XPRESS_4K, WIMLIB_COMPRESSION_TYPE_XPRESS, 4096 },
	{ WOF_XPRESS_8K, WIMLIB_COMPRESSION_TYPE_XPRESS, 8192 },
	{ WOF_XPRESS_16K, WIMLIB_COMPRESSION_TYPE_XPRESS, 16384 },
	{ WOF_LZX_32K, WIMLIB_COMPRESSION_TYPE_LZX, 32768 },
};

/* Half text that can be compressed, half noise that cannot. */
static void fill(uint8_t *bytes, size_t size)
{
	fill_pattern(bytes, size, 5);
	for (size_t i = 0; i < size; i++)
		if (i / 40000 % 2 == 0)
			bytes[i] = (uint8_t)("the quick brown fox "[i % 20]);
}

/* As Windows writes it; returns the length of the stream. */
static size_t compress(size_t kind, const uint8_t *bytes, size_t size, uint8_t *stream)
{
	size_t chunk = kinds[kind].chunk, chunks = (size + chunk - 1) / chunk;
	size_t table = (chunks - 1) * 4, at = table;
	struct wimlib_compressor *compressor = NULL;

	assert_int_equal(
		wimlib_create_compressor(kinds[kind].type, chunk, 0, &compressor), 0);
	for (size_t i = 0; i < chunks; i++) {
		size_t part = min_u64(chunk, size - i * chunk), packed;
		uint32_t offset = (uint32_t)(at - table);

		if (i)
			memcpy(stream + (i - 1) * 4, &offset, 4);
		packed = wimlib_compress(bytes + i * chunk, part, stream + at, part - 1,
					 compressor);
		if (!packed)
			memcpy(stream + at, bytes + i * chunk, part);
		at += packed ? packed : part;
	}
	wimlib_free_compressor(compressor);
	return at;
}

static struct block_source *open_compressed(size_t kind, const uint8_t *stream,
					    size_t length, size_t size)
{
	struct block_source *source = NULL;
	struct err err = { 0 };

	assert_succeeds(source_memory_new(stream, length, "file", &source, &err));
	assert_succeeds(
		wof_source_new(source, kinds[kind].algorithm, size, &source, &err));
	return source;
}

static void compressed_files_are_unpacked(void **state)
{
	static const size_t sizes[] = { 1, 4096, 4097, 32768, 100000, 2500000 };

	for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			AUTO_FREE uint8_t *bytes = malloc(sizes[i]);
			AUTO_FREE uint8_t *stream = malloc(2 * sizes[i] + 4096);
			AUTO_FREE uint8_t *read = malloc(sizes[i]);
			AUTO(source_freep) struct block_source *source = NULL;
			struct err err = { 0 };
			size_t length;

			fill(bytes, sizes[i]);
			length = compress(kind, bytes, sizes[i], stream);
			source = open_compressed(kind, stream, length, sizes[i]);
			assert_int_equal(source->size, sizes[i]);
			assert_succeeds(source_read(source, read, 0, sizes[i], &err));
			assert_memory_equal(read, bytes, sizes[i]);
			assert_succeeds(source_read(source, read, sizes[i] / 2,
						    sizes[i] - sizes[i] / 2, &err));
			assert_memory_equal(read, bytes + sizes[i] / 2,
					    sizes[i] - sizes[i] / 2);
		}
	}
}

static void damaged_tables_and_chunks_are_told(void **state)
{
	enum { SIZE = 20000, LZX = 0 };
	AUTO_FREE uint8_t *bytes = malloc(SIZE);
	AUTO_FREE uint8_t *stream = calloc(1, 3 * SIZE);
	struct wof_shape shape;
	struct err err = { 0 };
	size_t length;

	fill(bytes, SIZE);
	length = compress(LZX, bytes, SIZE, stream);
	assert_failed(wof_shape(WOF_XPRESS_4K, 1 << 20, 10, &shape, &err), -EBADMSG,
		      "compressed file of 1048576 bytes: a table of 1020 bytes in a "
		      "stream of 10");
	for (unsigned i = 0; i < 2; i++) {
		AUTO(source_freep) struct block_source *source = NULL;
		uint32_t kept;

		memcpy(&kept, stream, 4);
		memcpy(stream, &(uint32_t){ i ? 0 : 0x7fffffff }, 4);
		source = open_compressed(LZX, stream, length, SIZE);
		assert_int_equal(source_read(source, bytes, 0, SIZE, &err), -EBADMSG);
		assert_non_null(strstr(err.text, i ? "chunk 0 begins at 16 and ends at 16"
						   : "chunk 1 at 2147483647"));
		memcpy(stream, &kept, 4);
	}
	memset(stream + 16, 0xff, 40);
	{
		AUTO(source_freep)
		struct block_source *source = open_compressed(LZX, stream, length, SIZE);

		assert_failed(source_read(source, bytes, 0, SIZE, &err), -EBADMSG,
			      "'file': compressed chunk 0 is damaged");
	}
}

/* -- FAT -------------------------------------------------------------------------- */

static void lines_of_mdir_are_understood(void **state)
{
	char text[] = " Volume in drive : is ESP\n Volume Serial Number is A172-E650\n"
		      "Directory for ::/EFI\n\n"
		      ".            <DIR>     2026-11-20  16:49 \n"
		      "..           <DIR>     2026-11-20  16:49 \n"
		      "BOOT         <DIR>     2026-11-20  16:49  Boot\n"
		      "LONGNA~1 TXT         3 2026-11-20  16:49  Long  \xc3\xbc.txt\n"
		      "short    t   4294967295 2026-11-20  16:49 \n"
		      "NOEXT                2 2026-11-20  16:49 \n"
		      "BAD      X           2 2026-11-20  16:49  a/b\n"
		      "        7 files                   8 bytes\n"
		      "                         41 277 440 bytes free\n\n";
	AUTO(item_list_clear) struct item_list list = { 0 };
	struct err err = { 0 };

	assert_succeeds(fat_listing_parse(text, &list, &err));
	assert_int_equal(list.count, 4);
	assert_string_equal(list.items[0].name, "Boot");
	assert_int_equal(list.items[0].kind, ITEM_FOLDER);
	assert_string_equal(list.items[1].name, "Long  \xc3\xbc.txt");
	assert_int_equal(list.items[1].size, 3);
	assert_int_equal(list.items[1].modified, INT64_C(17951933400000000));
	assert_string_equal(list.items[2].name, "short.t");
	assert_int_equal(list.items[2].size, UINT32_MAX);
	assert_string_equal(list.items[3].name, "NOEXT");
}

static void attributes_are_read_from_what_mattrib_prints(void **state)
{
	static const struct {
		const char *text;
		uint32_t attributes;
	} cases[] = {
		{ "             ::/a\n", 0 },
		{ "  A          ::/a\n", ITEM_ARCHIVE },
		{ "  A  SHR     ::/EFI/Microsoft/Boot/BCD\n",
		  ITEM_ARCHIVE | ITEM_SYSTEM | ITEM_HIDDEN | ITEM_READONLY },
		{ "     S       ::/a\n", ITEM_SYSTEM },
		{ "      H      ::/a\n", ITEM_HIDDEN },
		{ "       R     ::/a\n", ITEM_READONLY },
	};
	static const char *const others[] = { "", "  A  SHR     ", "  A  SHR    ::/a",
					      "  A  SHR     a", "mattrib: no a" };
	uint32_t attributes = 0;
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_succeeds(fat_attributes_parse(cases[i].text, &attributes, &err));
		assert_int_equal(attributes, cases[i].attributes);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(fat_attributes_parse(others[i], &attributes, &err),
				 -EBADMSG);
	assert_string_equal(err.text, "attributes of a file: 'mattrib: no a'");
}

/* -- names ------------------------------------------------------------------------ */

static void names_are_made_harmless(void **state)
{
	static const struct {
		const char *name, *linux_name, *windows_name;
	} cases[] = {
		{ "plain.txt", "plain.txt", "plain.txt" },
		{ "B\xc3\xbcro", "B\xc3\xbcro", "B\xc3\xbcro" },
		{ "..", "%2E%2E", "%2E%2E" },
		{ ".", "%2E", "%2E" },
		{ "...", "...", "..%2E" },
		{ "a/b", "a%2Fb", "a%2Fb" },
		{ "a:b", "a:b", "a%3Ab" },
		{ "a\nb", "a%0Ab", "a%0Ab" },
		{ "end. ", "end. ", "end.%20" },
		{ "what?*", "what?*", "what%3F%2A" },
		{ "aux.txt", "aux.txt", "%61ux.txt" },
		{ "COM1", "COM1", "%43OM1" },
		{ "command", "command", "command" },
		{ ".hidden", ".hidden", ".hidden" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (int windows = 0; windows < 2; windows++) {
			const char *wanted =
				windows ? cases[i].windows_name : cases[i].linux_name;
			AUTO_FREE char *name = NULL;
			struct err err = { 0 };
			bool changed;

			assert_succeeds(file_name_for(cases[i].name, windows, &name,
						      &changed, &err));
			assert_string_equal(name, wanted);
			assert_int_equal(changed, strcmp(wanted, cases[i].name) != 0);
		}
	}
}

static void long_names_are_cut_and_stay_different(void **state)
{
	char long_a[601] = "", long_b[601];
	AUTO_FREE char *a = NULL, *b = NULL;
	struct err err = { 0 };
	bool changed;

	for (unsigned i = 0; i < 198; i++)
		memcpy(long_a + 3 * i, "\xe2\x82\xac", 4);
	memcpy(long_b, long_a, sizeof(long_b));
	strcat(long_a, "A.docx");
	strcat(long_b, "B.docx");
	assert_succeeds(file_name_for(long_a, false, &a, &changed, &err));
	assert_succeeds(file_name_for(long_b, false, &b, &changed, &err));
	assert_true(changed && strlen(a) <= FILE_NAME_LENGTH && strlen(a) > 240);
	assert_string_not_equal(a, b);
	assert_string_equal(a + strlen(a) - 5, ".docx");
}

/* -- between processes ------------------------------------------------------------ */

static struct item sample(struct item_stream *streams)
{
	streams[0] = (struct item_stream){ (char *)"Zone.Identifier", 26 };
	return (struct item){ .name = (char *)"file",
			      .content = CONTENT_STORED,
			      .id = 77,
			      .size = 5,
			      .modified = -3,
			      .names = 2,
			      .target = (char *)"C:\\x",
			      .stream_count = 1,
			      .streams = streams };
}

static void items_survive_the_way_between_processes(void **state)
{
	struct item_stream streams[1];
	struct item item = sample(streams);
	AUTO(item_clear) struct item taken = { 0 };
	AUTO_FREE char *path = NULL;
	uint8_t memory[512];
	struct err err = { 0 };
	size_t length = 0, at = 0;

	assert_false(item_wire_put(memory, 100, &length, "a/file", &item));
	assert_true(item_wire_put(memory, sizeof(memory), &length, "a/file", &item));
	assert_succeeds(item_wire_take(memory, length, &at, &path, &taken, &err));
	assert_int_equal(at, length);
	assert_string_equal(path, "a/file");
	assert_string_equal(taken.name, "file");
	assert_string_equal(taken.target, "C:\\x");
	assert_string_equal(taken.streams[0].name, "Zone.Identifier");
	assert_int_equal(taken.modified, -3);
	assert_int_equal(taken.id, 77);
}

/* Cut off anywhere, and each byte spoiled in turn: an error, or something possible. */
static void impossible_items_are_not_believed(void **state)
{
	struct item_stream streams[1];
	struct item item = sample(streams);
	uint8_t memory[512];
	size_t length = 0;

	assert_true(item_wire_put(memory, sizeof(memory), &length, "a/file", &item));
	for (size_t i = 0; i < length; i++) {
		for (unsigned cut = 0; cut < 2; cut++) {
			AUTO_FREE uint8_t *copy = malloc(length);
			AUTO(item_clear) struct item taken = { 0 };
			AUTO_FREE char *path = NULL;
			struct err err = { 0 };
			size_t at = 0;
			int r;

			memcpy(copy, memory, length);
			copy[i] ^= cut ? 0 : 0xff;
			r = item_wire_take(copy, cut ? i : length, &at, &path, &taken,
					   &err);
			assert_true(r == 0 || (r == -EPROTO && err.text[0]));
			assert_false(cut && r == 0);
			if (r == 0)
				assert_null(strchr(taken.name, '/'));
		}
	}
	item.name = (char *)"..";
	length = 0;
	assert_true(item_wire_put(memory, sizeof(memory), &length, "", &item));
	{
		struct err err = { 0 };
		AUTO_FREE char *path = NULL;
		size_t at = 0;

		assert_failed(item_wire_take(memory, length, &at, &path, &item, &err),
			      -EPROTO, "a file with an impossible name");
	}
}

/* -- the destination -------------------------------------------------------------- */

static struct file_target *open_target(void)
{
	struct file_target *target = NULL;
	struct err err = { 0 };

	run_tool("rm", "-rf", "out", "elsewhere");
	run_tool("mkdir", "out", "elsewhere");
	assert_succeeds(file_target_folder("out", &target, &err));
	return target;
}

static void files_are_written_with_holes_times_and_second_names(void **state)
{
	AUTO(file_target_freep) struct file_target *target = open_target();
	const struct file_times times = { 0, INT64_C(15000000001234567), -10000000 };
	void *folder = NULL, *file = NULL;
	struct err err = { 0 };
	struct stat st;

	assert_succeeds(target->ops->enter(target, NULL, "a", &folder, &err));
	assert_succeeds(target->ops->create(target, folder, "f", 8 << 20, &file, &err));
	assert_succeeds(target->ops->write(target, file, "end", (8 << 20) - 3, 3, &err));
	assert_succeeds(target->ops->finish(target, file, &times, &err));
	assert_succeeds(target->ops->link(target, "a/f", folder, "g", &err));
	assert_succeeds(target->ops->leave(target, folder, &times, &err));
	assert_succeeds(target->ops->flush(target, &err));
	assert_int_equal(stat("out/a/g", &st), 0);
	assert_int_equal(st.st_size, 8 << 20);
	assert_int_equal(st.st_nlink, 2);
	assert_true(st.st_blocks < 256);
	assert_int_equal(st.st_mtim.tv_sec, 1500000000);
	assert_int_equal(st.st_mtim.tv_nsec, 123456700);
	assert_int_equal(st.st_atim.tv_sec, -1);
}

static void nothing_is_overwritten_and_no_link_followed(void **state)
{
	AUTO(file_target_freep) struct file_target *target = open_target();
	void *folder = NULL, *file = NULL;
	struct err err = { 0 };

	run_tool("ln", "-s", "../elsewhere", "out/way");
	run_tool("ln", "-s", "../elsewhere/file", "out/file");
	assert_int_equal(target->ops->enter(target, NULL, "way", &folder, &err),
			 -ENOTDIR);
	assert_non_null(strstr(err.text, "'out': opening the folder 'way'"));
	assert_int_equal(target->ops->enter(target, NULL, "..", &folder, &err), -EXDEV);
	assert_failed(target->ops->create(target, NULL, "file", 0, &file, &err), -EEXIST,
		      "'file' is there already and is not overwritten");
	assert_int_equal(rmdir("elsewhere"), 0); /* it is empty still */
}

static void what_was_abandoned_is_gone(void **state)
{
	AUTO(file_target_freep) struct file_target *target = open_target();
	struct err err = { 0 };
	void *file = NULL;

	assert_succeeds(target->ops->create(target, NULL, "half", 10, &file, &err));
	target->ops->abandon(target, file);
	assert_int_equal(access("out/half", F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_a_junction_leads_is_told),
		cmocka_unit_test(without_a_name_to_print_the_real_one_is_told),
		cmocka_unit_test(compressed_files_are_told_from_those_in_a_wim),
		cmocka_unit_test(content_that_is_elsewhere_is_never_taken_for_here),
		cmocka_unit_test(damaged_reparse_data_are_refused),
		cmocka_unit_test(unknown_algorithms_are_refused),
		cmocka_unit_test(compressed_files_are_unpacked),
		cmocka_unit_test(damaged_tables_and_chunks_are_told),
		cmocka_unit_test(lines_of_mdir_are_understood),
		cmocka_unit_test(attributes_are_read_from_what_mattrib_prints),
		cmocka_unit_test(names_are_made_harmless),
		cmocka_unit_test(long_names_are_cut_and_stay_different),
		cmocka_unit_test(items_survive_the_way_between_processes),
		cmocka_unit_test(impossible_items_are_not_believed),
		cmocka_unit_test(files_are_written_with_holes_times_and_second_names),
		cmocka_unit_test(nothing_is_overwritten_and_no_link_followed),
		cmocka_unit_test(what_was_abandoned_is_gone),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
