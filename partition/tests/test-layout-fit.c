/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fitting real layouts onto other disks, a table of cases; then what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <base/checked.h>
#include <partition/layout-fit.h>

#define LAYOUT AUTO(layout_freep) struct disk_layout

#define PARTITIONS_MAX 6

/* Kinds of partition in the tables below */
enum kind { END, ESP, MSR, DATA, WINRE };

struct partition_case {
	enum kind kind;
	uint64_t offset, length;	 /* KiB */
	struct fit_wish wish;		 /* bytes */
	uint64_t new_offset, new_length; /* KiB */
};

struct fit_case {
	const char *name;
	uint32_t sector, new_sector;
	uint64_t disk, new_disk; /* MiB */
	struct partition_case partitions[PARTITIONS_MAX];
};

#define M 1024 /* KiB */
#define SHRINK(mib)                                                                      \
	{                                                                                \
		.minimum = (mib)*MiB, .name = "C:"                                       \
	}
#define GROW                                                                             \
	{                                                                                \
		.grow = true, .name = "C:"                                               \
	}

static const struct fit_case cases[] = {
	{ "windows 10 on the same disk stays as it is",
	  512,
	  512,
	  10000,
	  10000,
	  { { ESP, 1 * M, 100 * M, { 0 }, 1 * M, 100 * M },
	    { MSR, 101 * M, 16 * M, { 0 }, 101 * M, 16 * M },
	    { DATA, 117 * M, 9000 * M, SHRINK(100), 117 * M, 9000 * M },
	    { WINRE, 9499 * M, 500 * M, { 0 }, 9499 * M, 500 * M } } },
	{ "a gap is given up before anything shrinks",
	  512,
	  512,
	  10000,
	  9700,
	  { { ESP, 1 * M, 100 * M, { 0 }, 1 * M, 100 * M },
	    { DATA, 101 * M, 9000 * M, SHRINK(100), 101 * M, 9000 * M },
	    { WINRE, 9499 * M, 500 * M, { 0 }, 9199 * M, 500 * M } } },
	{ "windows 10 on a smaller disk: C: shrinks, WinRE goes to the end",
	  512,
	  512,
	  10000,
	  6000,
	  { { ESP, 1 * M, 100 * M, { 0 }, 1 * M, 100 * M },
	    { MSR, 101 * M, 16 * M, { 0 }, 101 * M, 16 * M },
	    { DATA, 117 * M, 9000 * M, SHRINK(100), 117 * M, 5382 * M },
	    { WINRE, 9499 * M, 500 * M, { 0 }, 5499 * M, 500 * M } } },
	{ "server 2019: WinRE in front stays there",
	  512,
	  512,
	  10000,
	  6000,
	  { { WINRE, 1 * M, 499 * M, { 0 }, 1 * M, 499 * M },
	    { ESP, 500 * M, 100 * M, { 0 }, 500 * M, 100 * M },
	    { MSR, 600 * M, 16 * M, { 0 }, 600 * M, 16 * M },
	    { DATA, 616 * M, 9383 * M, SHRINK(100), 616 * M, 5383 * M } } },
	{ "two volumes shrink in proportion to what they can spare",
	  512,
	  512,
	  10000,
	  6001,
	  { { ESP, 1 * M, 100 * M, { 0 }, 1 * M, 100 * M },
	    { DATA, 101 * M, 5000 * M, SHRINK(1000), 101 * M, 3049 * M },
	    { DATA, 5101 * M, 4800 * M, SHRINK(800), 3150 * M, 2849 * M } } },
	{ "an odd length shrinks to whole MiB",
	  512,
	  512,
	  2000,
	  1000,
	  { { DATA, 1 * M, 1500 * M + 3, SHRINK(100), 1 * M, 998 * M } } },
	{ "C: grows and WinRE moves out of its way",
	  512,
	  512,
	  10000,
	  20000,
	  { { ESP, 1 * M, 100 * M, { 0 }, 1 * M, 100 * M },
	    { DATA, 101 * M, 9000 * M, GROW, 101 * M, 19398 * M },
	    { WINRE, 9101 * M, 500 * M, { 0 }, 19499 * M, 500 * M } } },
	{ "a larger disk is left alone",
	  512,
	  512,
	  10000,
	  20000,
	  { { DATA, 1 * M, 9000 * M, SHRINK(100), 1 * M, 9000 * M },
	    { WINRE, 9499 * M, 500 * M, { 0 }, 9499 * M, 500 * M } } },
	{ "sectors of 4096 bytes: what is odd is rounded up",
	  512,
	  4096,
	  2000,
	  2000,
	  { { DATA, 1 * M, 999 * M + 3, SHRINK(1), 1 * M, 999 * M + 4 },
	    { WINRE, 1001 * M, 500 * M, { 0 }, 1001 * M, 500 * M } } },
	{ "an ESP that must be larger moves what is behind it",
	  512,
	  4096,
	  10000,
	  10000,
	  { { ESP, 1 * M, 100 * M, { .length = 260 * MiB }, 1 * M, 260 * M },
	    { DATA, 101 * M, 5000 * M, { 0 }, 261 * M, 5000 * M },
	    { WINRE, 9499 * M, 500 * M, { 0 }, 9499 * M, 500 * M } } },
	{ "a start at LBA 63 is kept, and what is behind it too",
	  512,
	  512,
	  2000,
	  1000,
	  { { DATA, 32, 400 * M, { 0 }, 32, 400 * M },
	    { DATA, 500 * M, 1400 * M, SHRINK(100), 401 * M, 598 * M } } },
};

static const struct guid *const types[] = {
	[ESP] = &partition_type_esp,
	[MSR] = &partition_type_msr,
	[DATA] = &partition_type_basic_data,
	[WINRE] = &partition_type_recovery,
};

static struct disk_layout *make(const struct fit_case *c, struct fit_wish *wishes)
{
	struct disk_layout *layout = layout_new();

	assert_non_null(layout);
	layout->style = TABLE_GPT;
	layout->sector_size = c->sector;
	layout->disk_size = c->disk * MiB;
	layout->disk_id = partition_type_esp;
	for (unsigned i = 0; i < PARTITIONS_MAX && c->partitions[i].kind != END; i++) {
		struct disk_partition *p = layout_add(layout);

		assert_non_null(p);
		p->slot = i + 1;
		p->offset = c->partitions[i].offset * KiB;
		p->length = c->partitions[i].length * KiB;
		p->type = *types[c->partitions[i].kind];
		p->id = partition_type_msr;
		p->id.b[0] = (uint8_t)i;
		wishes[i] = c->partitions[i].wish;
		if (!wishes[i].name)
			wishes[i].name = "it";
	}
	return layout;
}

static void layouts_are_fitted_as_the_table_says(void **state)
{
	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		struct fit_wish wishes[PARTITIONS_MAX] = { 0 };
		LAYOUT *before = make(&cases[c], wishes);
		LAYOUT *after = NULL;
		struct err err = { 0 };

		print_message("%s\n", cases[c].name);
		if (layout_fit(before, wishes, cases[c].new_disk * MiB,
			       cases[c].new_sector, &after, NULL, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(after->count, before->count);
		for (size_t i = 0; i < after->count; i++) {
			const struct partition_case *p = &cases[c].partitions[i];

			assert_int_equal(after->partitions[i].offset,
					 p->new_offset * KiB);
			assert_int_equal(after->partitions[i].length,
					 p->new_length * KiB);
			assert_true(guid_equal(&after->partitions[i].id,
					       &before->partitions[i].id));
		}
		if (layout_check(after, &err) < 0 && cases[c].partitions[0].offset >= M)
			fail_msg("%s", err.text);
	}
}

static void the_least_size_is_exact(void **state)
{
	struct fit_wish wishes[PARTITIONS_MAX] = { 0 };
	LAYOUT *before = make(&cases[2], wishes);
	LAYOUT *after = NULL;
	uint64_t needed;
	struct err err = { 0 };

	assert_int_equal(
		layout_fit(before, wishes, 500 * MiB, 512, &after, &needed, &err),
		-ENOSPC);
	/* ESP, MSR, C: at its minimum, WinRE, and the backup table's 33 sectors */
	assert_int_equal(needed, 717 * MiB + 33 * 512);
	assert_string_equal(err.text,
			    "'C:' can be shrunk to 104857600 bytes: the disk has "
			    "524288000 bytes, this layout needs 751845888, "
			    "227557888 more");
	assert_int_equal(
		layout_fit(before, wishes, needed - 512, 512, &after, NULL, &err),
		-ENOSPC);
	assert_int_equal(layout_fit(before, wishes, needed, 512, &after, NULL, &err), 0);
}

static void what_is_behind_a_growing_volume_must_be_a_recovery_partition(void **state)
{
	static const struct fit_case c = {
		"",
		512,
		512,
		10000,
		20000,
		{ { DATA, 1 * M, 5000 * M, GROW, 0, 0 }, { DATA, 5001 * M, 100 * M } }
	};
	struct fit_wish wishes[PARTITIONS_MAX] = { 0 };
	LAYOUT *before = make(&c, wishes);
	LAYOUT *after = NULL;
	struct err err = { 0 };

	assert_int_equal(layout_fit(before, wishes, 20000 * MiB, 512, &after, NULL, &err),
			 -EINVAL);
	assert_string_equal(err.text,
			    "'C:' cannot grow: partition 2 (it) lies behind it, and "
			    "only a recovery partition is moved out of the way");
}

static void logical_partitions_are_not_moved(void **state)
{
	struct fit_wish wishes[PARTITIONS_MAX] = { 0 };
	LAYOUT *before = make(&cases[2], wishes);
	LAYOUT *after = NULL;
	struct err err = { 0 };

	before->style = TABLE_MBR;
	before->partitions[2].mbr_kind = MBR_LOGICAL;
	assert_int_equal(layout_fit(before, wishes, 6000 * MiB, 512, &after, NULL, &err),
			 -ENOTSUP);
	assert_non_null(
		strstr(err.text, "logical partitions of an MBR disk are not moved"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts_are_fitted_as_the_table_says),
		cmocka_unit_test(the_least_size_is_exact),
		cmocka_unit_test(
			what_is_behind_a_growing_volume_must_be_a_recovery_partition),
		cmocka_unit_test(logical_partitions_are_not_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
