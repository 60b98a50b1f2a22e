/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys and signatures are OpenSSL's, made as signature.h says. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/spawn.h>
#include <base/text.h>
#include <restore/answer.h>
#include <restore/signature.h>

static const char answer_text[] = "format = 1\n[source]\nurl = /backups\n[target]\n"
				  "disk0 = serial:S1\nconfirm = erase\n";

static char folder[] = "/tmp/openbmr-signature-XXXXXX";

static const char *in_folder(const char *name)
{
	static char paths[4][64];
	static unsigned last;
	char *path = paths[last++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void openssl(const char *const *words)
{
	struct err err = { 0 };
	const char *argv[16] = { "openssl" };

	for (size_t i = 0; words[i]; i++)
		argv[i + 1] = words[i];
	if (spawn_run(&(struct spawn){ .argv = argv }, NULL, &err) < 0)
		fail_msg("%s", err.text);
}

static void write_file(const char *name, const void *bytes, size_t length)
{
	FILE *file = fopen(in_folder(name), "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void make_key(const char *algorithm, const char *name)
{
	AUTO_FREE char *key = text_format("%s/%s.key", folder, name);
	AUTO_FREE char *public = text_format("%s/%s.pub", folder, name);

	openssl((const char *[]){ "genpkey", "-algorithm", algorithm, "-out", key,
				  NULL });
	openssl((const char *[]){ "pkey", "-in", key, "-pubout", "-out", public, NULL });
}

static void sign(const char *name, const char *key)
{
	AUTO_FREE char *signature = text_format("%s/%s.sig", folder, name);

	openssl((const char *[]){ "pkeyutl", "-sign", "-rawin", "-inkey", in_folder(key),
				  "-in", in_folder(name), "-out", signature, NULL });
}

static int group_setup(void **state)
{
	assert_non_null(mkdtemp(folder));
	make_key("ed25519", "ours");
	make_key("ed25519", "other");
	make_key("x25519", "kind");
	write_file("a.ini", answer_text, strlen(answer_text));
	sign("a.ini", "ours.key");
	return 0;
}

static int group_teardown(void **state)
{
	const char *argv[] = { "rm", "-r", folder, NULL };

	return spawn_run(&(struct spawn){ .argv = argv }, NULL, NULL);
}

static void refused(const char *file, const char *key, int code, const char *words)
{
	struct answer answer = { 0 };
	struct err err = { 0 };

	assert_int_equal(answer_read(in_folder(file), in_folder(key), &answer, &err),
			 code);
	assert_non_null(strstr(err.text, words));
}

static void a_signed_answer_file_is_understood(void **state)
{
	struct answer answer = { 0 };
	struct err err = { 0 };

	assert_int_equal(
		answer_read(in_folder("a.ini"), in_folder("ours.pub"), &answer, &err), 0);
	assert_string_equal(answer.source_url, "/backups");
	answer_clear(&answer);
}

static void another_key_is_refused(void **state)
{
	refused("a.ini", "other.pub", -EACCES, "not signed by the key");
}

static void every_changed_byte_is_refused(void **state)
{
	char text[sizeof(answer_text)];
	char signature[SIGNATURE_LENGTH];
	FILE *file = fopen(in_folder("a.ini.sig"), "re");

	assert_non_null(file);
	assert_int_equal(fread(signature, 1, sizeof(signature), file), sizeof(signature));
	fclose(file);
	write_file("b.ini.sig", signature, sizeof(signature));
	for (size_t i = 0; i < strlen(answer_text); i++) {
		memcpy(text, answer_text, sizeof(text));
		text[i] ^= 1;
		write_file("b.ini", text, strlen(answer_text));
		refused("b.ini", "ours.pub", -EACCES, "the file was changed");
	}
	write_file("b.ini", answer_text, strlen(answer_text));
	for (size_t i = 0; i < sizeof(signature); i++) {
		signature[i] ^= 1;
		write_file("b.ini.sig", signature, sizeof(signature));
		refused("b.ini", "ours.pub", -EACCES, "not signed by the key");
		signature[i] ^= 1;
	}
}

static void a_signature_of_another_length_is_refused(void **state)
{
	static const char zeros[SIGNATURE_LENGTH + 1];

	write_file("c.ini", answer_text, strlen(answer_text));
	write_file("c.ini.sig", zeros, 0);
	refused("c.ini", "ours.pub", -EACCES, "not signed by the key");
	write_file("c.ini.sig", zeros, SIGNATURE_LENGTH - 1);
	refused("c.ini", "ours.pub", -EACCES, "not signed by the key");
	write_file("c.ini.sig", zeros, SIGNATURE_LENGTH + 1);
	refused("c.ini", "ours.pub", -EINVAL, "65 bytes, must be at most 64");
}

static void what_is_missing_is_named(void **state)
{
	write_file("d.ini", answer_text, strlen(answer_text));
	refused("d.ini", "ours.pub", -EACCES, "d.ini.sig': sign the file");
	refused("a.ini", "none.pub", -EACCES, "make the image with --answer-key");
}

static void a_key_of_another_kind_is_refused(void **state)
{
	refused("a.ini", "kind.pub", -EINVAL, "must be a public Ed25519 key");
	refused("a.ini", "ours.key", -EINVAL, "must be a public Ed25519 key");
	refused("a.ini", "a.ini", -EINVAL, "must be a public Ed25519 key");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signed_answer_file_is_understood),
		cmocka_unit_test(another_key_is_refused),
		cmocka_unit_test(every_changed_byte_is_refused),
		cmocka_unit_test(a_signature_of_another_length_is_refused),
		cmocka_unit_test(what_is_missing_is_named),
		cmocka_unit_test(a_key_of_another_kind_is_refused),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
