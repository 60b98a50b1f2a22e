/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signed programs against a firmware's db and dbx. The program is put together by hand; openssl
 * makes keys, sbsign signs, sbverify is of the same opinion where it can have one.
 */
#include "image-fixture.h"

#include "forecast/authenticode.h"
#include "forecast/pe.h"

#define PROGRAM_SIZE 2048
#define DIRECTORY    (0x80 + 24 + 112 + 4 * 8) /* of the certificates */

/* Contents of files. */
struct bytes {
	uint8_t *at;
	size_t length;
};

static void bytes_clear(struct bytes *bytes)
{
	free(bytes->at);
}
#define AUTO_BYTES AUTO(bytes_clear) struct bytes

static struct bytes load(const char *path)
{
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	struct bytes bytes = { .at = malloc(64 * KiB) };

	assert_non_null(file);
	bytes.length = fread(bytes.at, 1, 64 * KiB, file);
	return bytes;
}

/* A PE32+ program for UEFI, headers of 512 bytes and two sections. */
static void make_program(const char *path)
{
	uint8_t p[PROGRAM_SIZE] = "MZ", *optional = p + 0x80 + 24;

	fill_pattern(p + 512, sizeof(p) - 512, 5);
	put_le(p + 0x3c, 4, 0x80);
	memcpy(p + 0x80, "PE\0\0", 4);
	put_le(p + 0x84, 2, PE_X64);
	put_le(p + 0x86, 2, 2);
	put_le(p + 0x94, 2, 112 + 16 * 8);
	put_le(p + 0x96, 2, 0x22e);
	put_le(optional, 2, 0x20b);
	put_le(optional + 16, 4, 0x1000);
	put_le(optional + 32, 4, 0x1000);
	put_le(optional + 36, 4, 512);
	put_le(optional + 56, 4, 0x3000);
	put_le(optional + 60, 4, 512);
	put_le(optional + 68, 2, PE_EFI_APPLICATION);
	put_le(optional + 108, 4, 16);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *section = optional + 112 + 16 * 8 + 40 * i;

		memcpy(section, i ? ".data" : ".text", 5);
		put_le(section + 8, 4, i ? 1024 : 512);
		put_le(section + 12, 4, 0x1000 + 0x1000 * i);
		put_le(section + 16, 4, i ? 1024 : 512);
		put_le(section + 20, 4, i ? 1024 : 512);
		put_le(section + 36, 4, i ? 0xc0000040 : 0x60000020);
	}
	write_file(path, p, sizeof(p));
}

/* root signs pca, pca signs leaf; stranger is alone. */
static const char make_keys[] = "set -e\n"
				"make() { name=$1; shift; openssl req -newkey rsa:2048 "
				"-nodes -keyout $name.key -out "
				"$name.csr -subj /CN=$name; openssl x509 -req -in "
				"$name.csr -out $name.pem -days 999 "
				"-extfile ca.cnf \"$@\"; openssl x509 -in $name.pem "
				"-outform DER -out $name.der; }\n"
				"echo basicConstraints=CA:TRUE > ca.cnf\n"
				"make root -signkey root.key\n"
				"make pca -CA root.pem -CAkey root.key -CAcreateserial\n"
				"make leaf -CA pca.pem -CAkey pca.key -CAcreateserial\n"
				"make stranger -signkey stranger.key\n"
				"sbsign --key leaf.key --cert leaf.pem --addcert pca.pem "
				"--output signed.efi plain.efi\n"
				"sbverify --cert leaf.pem signed.efi\n";

static int enter(void **state)
{
	if (scratch_enter(state) < 0)
		return -1;
	if (!have_tool("openssl") || !have_tool("sbsign"))
		return 0;
	make_program("plain.efi");
	write_file("keys.sh", (const uint8_t *)make_keys, strlen(make_keys));
	run_tool("sh", "keys.sh");
	return 0;
}

static void skip_without_tools(void)
{
	if (access("signed.efi", R_OK) < 0)
		skip();
}

/* An EFI_SIGNATURE_LIST of one entry behind what is there. */
static void add_list(struct bytes *list, const char *type, const void *entry,
		     size_t length)
{
	uint8_t *at;

	list->at = realloc(list->at, list->length + 44 + length);
	at = list->at + list->length;
	memset(at, 0x77, 44);
	put_guid(at, type);
	put_le(at + 16, 4, 44 + length);
	put_le(at + 20, 4, 0);
	put_le(at + 24, 4, 16 + length);
	memcpy(at + 44, entry, length);
	list->length += 44 + length;
}
#define TYPE_X509	 "a5c059a1-94e4-4aa7-87b5-ab155c2bf072"
#define TYPE_SHA256	 "c1c41626-504c-4092-aca9-41f936934328"
#define TYPE_X509_SHA256 "3bd2a492-96c0-4079-b420-fcf98ef103ed"

static void add_certificate(struct bytes *list, const char *path)
{
	AUTO_BYTES der = load(path);

	add_list(list, TYPE_X509, der.at, der.length);
}

/* SHA-256 of a file as sha256sum says it. */
static void add_hash(struct bytes *list, const char *type, const char *command,
		     size_t length)
{
	uint8_t entry[48] = { 0 };
	AUTO_BYTES hash = { 0 };

	assert_int_equal(system(command), 0);
	hash = load("hash");
	assert_int_equal(hash.length, 32);
	memcpy(entry, hash.at, 32);
	add_list(list, type, entry, length);
}

static int judge(const char *path, const struct bytes *db, const struct bytes *dbx,
		 char **ret_signer, struct err *err)
{
	AUTO_BYTES program = load(path);
	struct authenticode_store store = { { db->at, db->length },
					    { dbx->at, dbx->length } };

	return authenticode_judge(program.at, program.length, &store, ret_signer, err);
}

static void whoever_vouches_for_the_signer_counts(void **state)
{
	static const char *const vouching[] = { "leaf.der", "pca.der", "root.der" };

	skip_without_tools();
	for (size_t i = 0; i < ARRAY_SIZE(vouching); i++) {
		AUTO_BYTES db = { 0 }, dbx = { 0 };
		AUTO_FREE char *signer = NULL;
		struct err err = { 0 };

		add_certificate(&db, "stranger.der");
		add_certificate(&db, vouching[i]);
		add_certificate(&dbx, "stranger.der");
		assert_succeeds(judge("signed.efi", &db, &dbx, &signer, &err));
		assert_string_equal(signer, "leaf");
	}
}

static void a_signer_that_db_does_not_know_is_refused(void **state)
{
	AUTO_BYTES db = { 0 }, dbx = { 0 };
	struct err err = { 0 };

	skip_without_tools();
	add_certificate(&db, "stranger.der");
	assert_failed(judge("signed.efi", &db, &dbx, NULL, &err), -EKEYREJECTED,
		      "signed by 'leaf', whom this firmware's db does not trust");
	assert_failed(judge("plain.efi", &db, &dbx, NULL, &err), -ENODATA,
		      "it is not signed");
}

static void whatever_dbx_revokes_is_refused(void **state)
{
	static const char *const revoked[] = { "leaf.der", "pca.der", "root.der" };
	AUTO_BYTES db = { 0 };
	struct err err = { 0 };

	skip_without_tools();
	add_certificate(&db, "root.der");
	for (size_t i = 0; i < ARRAY_SIZE(revoked); i++) {
		AUTO_BYTES dbx = { 0 };

		add_certificate(&dbx, revoked[i]);
		assert_failed(judge("signed.efi", &db, &dbx, NULL, &err), -EKEYREVOKED,
			      "signed by 'leaf', which this firmware's dbx revokes");
	}
}

static void a_revoked_certificate_can_be_named_by_its_hash(void **state)
{
	AUTO_BYTES db = { 0 }, dbx = { 0 };
	struct err err = { 0 };

	skip_without_tools();
	add_certificate(&db, "root.der");
	/* strparse takes the part that is signed out of the certificate */
	add_hash(&dbx, TYPE_X509_SHA256,
		 "openssl asn1parse -inform DER -in pca.der -strparse 4 -noout -out part "
		 "&& "
		 "openssl dgst -sha256 -binary part > hash",
		 48);
	assert_failed(judge("signed.efi", &db, &dbx, NULL, &err), -EKEYREVOKED,
		      "signed by 'leaf', which this firmware's dbx revokes");
}

static void a_program_can_be_named_by_its_hash(void **state)
{
	AUTO_BYTES list = { 0 }, none = { 0 };
	AUTO_FREE char *signer = NULL;
	struct err err = { 0 };

	skip_without_tools();
	/* without checksum and directory of certificates; sbsign has rounded nothing here */
	add_hash(&list, TYPE_SHA256,
		 "(head -c 216 plain.efi; tail -c +221 plain.efi | head -c 60; "
		 "tail -c +289 plain.efi) | openssl dgst -sha256 -binary > hash",
		 32);
	assert_succeeds(judge("plain.efi", &list, &none, &signer, &err));
	assert_string_equal(signer, "");
	assert_failed(judge("plain.efi", &none, &list, NULL, &err), -EKEYREVOKED,
		      "this very program is revoked by this firmware's dbx");
	assert_failed(judge("signed.efi", &none, &list, NULL, &err), -EKEYREVOKED,
		      "this very program is revoked by this firmware's dbx");
}

static void every_byte_that_is_signed_counts(void **state)
{
	AUTO_BYTES program = { 0 };
	struct pe_image image;
	struct err err = { 0 };

	skip_without_tools();
	program = load("signed.efi");
	assert_succeeds(authenticode_check(program.at, program.length, NULL, &err));
	assert_succeeds(pe_parse(program.at, program.length, &image, &err));
	for (size_t i = 0; i < image.signed_count; i++)
		for (size_t at = 0; at < image.signed_ranges[i].length; at += 97) {
			uint8_t *byte = &program.at[image.signed_ranges[i].offset + at];
			int r;

			*byte ^= 1;
			r = authenticode_check(program.at, program.length, NULL, &err);
			assert_true(r == -EBADMSG || r == -ENOEXEC || r == -ENODATA);
			*byte ^= 1;
		}
	program.at[1500] ^= 1;
	assert_failed(authenticode_check(program.at, program.length, NULL, &err),
		      -EBADMSG, "it was changed after it was signed");
}

static void a_program_that_is_cut_off_is_damaged(void **state)
{
	AUTO_BYTES program = { 0 };
	struct pe_image image;
	struct err err = { 0 };

	make_program("plain.efi");
	program = load("plain.efi");
	assert_failed(
		pe_parse(program.at, 1500, &image, &err), -EBADMSG,
		"section 2 lies at 1024+1024 of 1500 bytes: the program is cut off");
	assert_failed(pe_parse(program.at, 300, &image, &err), -EBADMSG,
		      "the program is cut off in its headers");
	assert_failed(pe_parse((const uint8_t *)"hello", 5, &image, &err), -ENOEXEC,
		      "no program: it does not start with MZ");
	put_le(program.at + DIRECTORY, 4, 2000);
	put_le(program.at + DIRECTORY + 4, 4, 100);
	assert_failed(pe_parse(program.at, program.length, &image, &err), -EBADMSG,
		      "its signatures lie at 2000+100 of 2048 bytes: it is cut off");
	for (size_t cut = 0; cut < program.length; cut += 3)
		assert_true(pe_parse(program.at, cut, &image, &err) < 0);
}

static void a_list_that_is_damaged_is_told(void **state)
{
	AUTO_BYTES db = { 0 }, dbx = { 0 };
	struct err err = { 0 };

	make_program("plain.efi");
	add_list(&db, TYPE_SHA256, "0123456789abcdef0123456789abcdef", 32);
	put_le(db.at + 16, 4, 1000);
	assert_failed(judge("plain.efi", &db, &dbx, NULL, &err), -EBADMSG,
		      "the firmware's 'db' is damaged at byte 0");
	put_le(db.at + 16, 4, 76);
	put_le(db.at + 24, 4, 16);
	assert_failed(judge("plain.efi", &dbx, &db, NULL, &err), -EBADMSG,
		      "the firmware's 'dbx' is damaged at byte 0");
}

static void
the_fallback_loader_is_named_after_the_machine_of_the_boot_manager(void **state)
{
	static const struct {
		uint16_t machine;
		const char *name;
	} cases[] = { { PE_X64, "bootx64.efi" },
		      { PE_X86, "bootia32.efi" },
		      { PE_ARM64, "bootaa64.efi" },
		      { 0x200, "bootx64.efi" } };
	AUTO_BYTES program = { 0 };

	make_program("plain.efi");
	program = load("plain.efi");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put_le(program.at + 0x84, 2, cases[i].machine);
		assert_string_equal(pe_fallback_name(program.at, program.length),
				    cases[i].name);
	}
	assert_string_equal(pe_fallback_name(NULL, 0), "bootx64.efi");
	assert_string_equal(pe_fallback_name((const uint8_t *)"MZ", 2), "bootx64.efi");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_vouches_for_the_signer_counts),
		cmocka_unit_test(a_signer_that_db_does_not_know_is_refused),
		cmocka_unit_test(whatever_dbx_revokes_is_refused),
		cmocka_unit_test(a_revoked_certificate_can_be_named_by_its_hash),
		cmocka_unit_test(a_program_can_be_named_by_its_hash),
		cmocka_unit_test(every_byte_that_is_signed_counts),
		cmocka_unit_test(a_program_that_is_cut_off_is_damaged),
		cmocka_unit_test(a_list_that_is_damaged_is_told),
		cmocka_unit_test(
			the_fallback_loader_is_named_after_the_machine_of_the_boot_manager),
	};

	return cmocka_run_group_tests(tests, enter, scratch_leave);
}
