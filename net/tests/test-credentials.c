/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Credentials files and the prompt. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/utf.h>
#include <net/smb.h>

#include "../../restore/base/tests/child-memory.h"

static char path[] = "/tmp/test-credentials-XXXXXX";

static void write_file(const void *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(write(fd, bytes, length), length);
	close(fd);
}

static const struct good {
	const char *text, *user, *domain, *password;
} good[] = {
	{ "username=joe\npassword=a b \n", "joe", "", "a b " },
	{ "username = joe\r\npassword =  x\t\r\ndomain = CORP\r\n", "joe", "CORP",
	  " x\t" },
	{ "# a comment\n\n ; another\n\tUserName =  joe  \nPASSWORD = =;#\n", "joe", "",
	  "=;#" },
	{ "username = CORP\\joe\npassword = x", "joe", "CORP", "x" },
	{ "domain = corp\nusername = CORP\\joe\npassword = x", "joe", "CORP", "x" },
	{ "username = joe@corp.example\npassword = x", "joe@corp.example", "", "x" },
	{ "username = Jürgen\npassword = pässwörd\n", "Jürgen", "", "pässwörd" },
};

static void check_good(const struct good *expected)
{
	struct credentials credentials = { 0 };
	struct err err = { 0 };
	char *notes = NULL;

	if (credentials_read(path, &credentials, &notes, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(credentials.user, expected->user);
	assert_string_equal(credentials.domain, expected->domain);
	assert_string_equal(credentials.password, expected->password);
	assert_null(notes);
	credentials_clear(&credentials);
	assert_null(credentials.password);
}

static void files_of_mount_cifs_and_smbclient_are_read(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		write_file(good[i].text, strlen(good[i].text));
		check_good(&good[i]);
	}
}

static void files_of_notepad_are_read(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		uint8_t bytes[512] = { 0xff, 0xfe };
		AUTO_FREE uint8_t *utf16 = NULL;
		size_t length;

		assert_int_equal(utf8_to_utf16le(good[i].text, &utf16, &length, NULL), 0);
		memcpy(bytes + 2, utf16, length);
		write_file(bytes, length + 2);
		check_good(&good[i]);
		write_file(utf16, length);
		check_good(&good[i]);
		memcpy(bytes, "\xef\xbb\xbf", 3);
		memcpy(bytes + 3, good[i].text, strlen(good[i].text));
		write_file(bytes, strlen(good[i].text) + 3);
		check_good(&good[i]);
	}
}

static const struct bad {
	const char *text, *error;
} bad[] = {
	{ "", "no user name: add a line 'username = NAME'" },
	{ "username = joe\n", "no password: add a line 'password = PASSWORD'" },
	{ "username = joe\npassword =\n",
	  "no password: add a line 'password = PASSWORD'" },
	{ "username = joe\npassword = x\nuser = y\n",
	  "line 3: unknown key, known are username, password and domain" },
	{ "username = joe\nsecret\n",
	  "line 2: no '=', expected a line like 'username = NAME'" },
	{ "username = joe\nusername = joe\n", "line 2: 'username' is there twice" },
	{ "username = A\\joe\npassword = x\ndomain = B",
	  "domain 'B' and 'A\\' before the user name disagree" },
	{ "username = A\\b\\joe\npassword = x",
	  "'b\\joe' is not a user name: write user, DOMAIN\\user or user@realm" },
	{ "username = A\\\npassword = x",
	  "'' is not a user name: write user, DOMAIN\\user or user@realm" },
	{ "username = joe\xff\npassword = x", "neither UTF-8 nor UTF-16 text" },
};

static void other_files_are_refused_with_the_line_but_without_what_it_says(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct credentials credentials = { 0 };
		struct err err = { 0 };
		char expected[512];

		write_file(bad[i].text, strlen(bad[i].text));
		assert_int_equal(credentials_read(path, &credentials, NULL, &err),
				 -EINVAL);
		snprintf(expected, sizeof(expected), "'%s': %s", path, bad[i].error);
		assert_string_equal(err.text, expected);
		assert_null(credentials.password);
	}
}

static void values_and_files_have_limits(void **state)
{
	static char text[70000];
	struct credentials credentials = { 0 };
	struct err err = { 0 };

	memset(text, 'x', sizeof(text));
	memcpy(text, "username=joe\npassword=", 22);
	write_file(text, 22 + 256);
	assert_int_equal(credentials_read(path, &credentials, NULL, &err), -EINVAL);
	assert_non_null(
		strstr(err.text, "line 2: 'password' has 256 bytes, at most 255"));
	write_file(text, sizeof(text));
	assert_int_equal(credentials_read(path, &credentials, NULL, &err), -EINVAL);
	assert_non_null(
		strstr(err.text, "more than 65536 bytes, not a credentials file"));
	write_file(text, 22 + 255);
	assert_int_equal(credentials_read(path, &credentials, NULL, &err), 0);
	credentials_clear(&credentials);
}

static void a_file_that_others_can_read_is_noted(void **state)
{
	struct credentials credentials = { 0 };
	AUTO_FREE char *notes = NULL;
	char expected[128];

	write_file(good[0].text, strlen(good[0].text));
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(credentials_read(path, &credentials, &notes, NULL), 0);
	snprintf(expected, sizeof(expected),
		 "'%s': readable by others (mode 0644), better 0600", path);
	assert_string_equal(notes, expected);
	credentials_clear(&credentials);
}

static void a_missing_file_is_named(void **state)
{
	struct credentials credentials = { 0 };
	struct err err = { 0 };

	assert_int_equal(credentials_read("/nowhere/x", &credentials, NULL, &err),
			 -ENOENT);
	assert_string_equal(err.text,
			    "'/nowhere/x': opening the credentials file: No such file "
			    "or directory");
}

/* -- the prompt ------------------------------------------------------------------- */

/* Asks in a process of its own on a terminal of its own; its exit status is 0 where user
 * and password are as expected, 1 where not, 2 where it was cancelled. */
static int ask_on_terminal(const char *user, const char *typed, char *shown, size_t size)
{
	const struct smb_location location = { .host = (char *)"nas1",
					       .user = (char *)user };
	size_t used = 0;
	int master, status;
	ssize_t n;
	pid_t pid = forkpty(&master, NULL, NULL, NULL);

	assert_true(pid >= 0);
	if (pid == 0) {
		struct credentials credentials = { 0 };
		struct err err = { 0 };
		int r = credentials_prompt(&location, &credentials, &err);
		bool good_answer = r == 0 && strcmp(credentials.user, "joe") == 0 &&
				   strcmp(credentials.password, "geheim") == 0;

		_exit(good_answer ? 0 : r == -ECANCELED ? 2 : 1);
	}
	/* Each line after its question, as a person would. */
	while (*typed) {
		size_t length = strcspn(typed, "\n\003") + 1;

		while (used < size - 1 &&
		       (used < 2 || memcmp(shown + used - 2, ": ", 2) != 0)) {
			n = read(master, shown + used, 1);
			assert_int_equal(n, 1);
			used++;
		}
		usleep(50000); /* echo goes off after the question */
		assert_int_equal(write(master, typed, length), length);
		shown[used++] = '|';
		typed += length;
	}
	while (used < size - 1 && (n = read(master, shown + used, size - 1 - used)) > 0)
		used += (size_t)n;
	shown[used] = '\0';
	close(master);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void the_prompt_asks_without_echo(void **state)
{
	char shown[512];

	assert_int_equal(ask_on_terminal("joe", "geheim\n", shown, sizeof(shown)), 0);
	assert_string_equal(shown, "Password of joe at nas1: |\r\n");
}

static void the_prompt_asks_for_the_user_if_the_address_has_none(void **state)
{
	char shown[512];

	assert_int_equal(ask_on_terminal(NULL, "joe\ngeheim\n", shown, sizeof(shown)), 0);
	assert_non_null(strstr(shown, "User name at nas1"));
	assert_null(strstr(shown, "geheim"));
}

static void the_prompt_can_be_cancelled(void **state)
{
	char shown[512];

	assert_int_equal(ask_on_terminal("joe", "geh\003", shown, sizeof(shown)), 2);
	assert_null(strstr(shown, "geh"));
}

static void without_terminal_there_is_no_prompt(void **state)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct credentials credentials = { 0 };
		struct err err = { 0 };
		int r;

		setsid();
		r = credentials_prompt(&(struct smb_location){ .host = (char *)"nas1" },
				       &credentials, &err);
		_exit(r == -ENOTTY && strstr(err.text, "give a credentials file") ? 0
										  : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int make_path(void **state)
{
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
	return unlink(path);
}

/* -- what is left in memory ---- */

static void put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(2);
}

static void read_and_clear(const char *canary)
{
	struct credentials credentials = { 0 };
	int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);

	put(fd, "username = joe\npassword = ");
	put(fd, canary);
	put(fd, "\ndomain = CORP\n");
	close(fd);
	if (credentials_read(path, &credentials, NULL, NULL) < 0)
		_exit(2);
	credentials_clear(&credentials);
}

static void read_and_refuse(const char *canary)
{
	struct credentials credentials = { 0 };
	int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);

	put(fd, "password = ");
	put(fd, canary);
	put(fd, "\nno user name\n");
	close(fd);
	if (credentials_read(path, &credentials, NULL, NULL) == 0)
		_exit(2);
}

static void read_and_write(const char *canary)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);

	if (credentials_write(fd, "joe", canary, "CORP", NULL) < 0)
		_exit(2);
	close(fd);
}

static void read_and_keep(const char *canary)
{
	static char *kept;

	kept = strdup(canary);
	if (!kept)
		_exit(2);
}

static void a_password_that_was_used_is_nowhere_in_memory(void **state)
{
	int kept = canary_left(read_and_keep);

	if (kept < 0)
		skip(); /* memory of a child may not be read here */
	assert_true(kept > 0);
	assert_int_equal(canary_left(read_and_clear), 0);
	assert_int_equal(canary_left(read_and_refuse), 0);
	assert_int_equal(canary_left(read_and_write), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_of_mount_cifs_and_smbclient_are_read),
		cmocka_unit_test(files_of_notepad_are_read),
		cmocka_unit_test(
			other_files_are_refused_with_the_line_but_without_what_it_says),
		cmocka_unit_test(values_and_files_have_limits),
		cmocka_unit_test(a_file_that_others_can_read_is_noted),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(the_prompt_asks_without_echo),
		cmocka_unit_test(the_prompt_asks_for_the_user_if_the_address_has_none),
		cmocka_unit_test(the_prompt_can_be_cancelled),
		cmocka_unit_test(without_terminal_there_is_no_prompt),
		cmocka_unit_test(a_password_that_was_used_is_nowhere_in_memory),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}
