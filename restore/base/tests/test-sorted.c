/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include <base/sorted.h>

static const int numbers[] = { 1, 3, 3, 3, 7 };

static bool is_less(const void *record, const void *key)
{
	return *(const int *)record < *(const int *)key;
}

static size_t find(size_t count, int key)
{
	return sorted_find(numbers, count, sizeof(*numbers), is_less, &key);
}

static void the_first_of_equal_records_is_found(void **state)
{
	assert_int_equal(find(5, 3), 1);
	assert_int_equal(find(5, 1), 0);
	assert_int_equal(find(5, 7), 4);
}

static void what_is_not_there_has_the_place_where_it_belongs(void **state)
{
	assert_int_equal(find(5, 0), 0);
	assert_int_equal(find(5, 2), 1);
	assert_int_equal(find(5, 5), 4);
	assert_int_equal(find(5, 8), 5);
	assert_int_equal(find(3, 7), 3);
	assert_int_equal(find(0, 3), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_of_equal_records_is_found),
		cmocka_unit_test(what_is_not_there_has_the_place_where_it_belongs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
