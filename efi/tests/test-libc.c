/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The boot application's own <string.h> functions, under other names, against the host's.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

int efi_memcmp(const void *a, const void *b, size_t size);
void *efi_memmove(void *to, const void *from, size_t size);
size_t efi_strlen(const char *string);
int efi_strncmp(const char *a, const char *b, size_t size);

#define memcmp	efi_memcmp
#define memmove efi_memmove
#define strlen	efi_strlen
#define strncmp efi_strncmp
#include "../libc.c"
#undef memcmp
#undef memmove
#undef strlen
#undef strncmp

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void comparisons_agree_with_the_host(void **state)
{
	static const char *const words[] = { "",    "a", "ab",	 "abc",
					     "abd", "b", "\xff", "ab\x80" };

	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(efi_strlen(words[i]), strlen(words[i]));
		for (size_t j = 0; j < 8; j++)
			for (size_t size = 0; size < 5; size++)
				assert_int_equal(
					sign(efi_strncmp(words[i], words[j], size)),
					sign(strncmp(words[i], words[j], size)));
	}
	assert_true(efi_memcmp("a\0b", "a\0c", 3) < 0);
	assert_true(efi_memcmp("a\0\xff", "a\0c", 3) > 0);
	assert_int_equal(efi_memcmp("a\0b", "a\0c", 2), 0);
}

static void memory_moves_over_itself(void **state)
{
	char up[] = "0123456789", down[] = "0123456789";

	assert_ptr_equal(efi_memmove(up + 2, up, 6), up + 2);
	assert_string_equal(up, "0101234589");
	efi_memmove(down, down + 2, 6);
	assert_string_equal(down, "2345676789");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comparisons_agree_with_the_host),
		cmocka_unit_test(memory_moves_over_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
