/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first answer of a server: a good one, and every field of it spoiled in turn. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <setjmp.h>

#include <cmocka.h>

#include <base/cleanup.h>

#include "../smb-negotiate.h"

#define ANSWER_SIZE 192

static void put16(uint8_t *to, unsigned value)
{
	to[0] = (uint8_t)value;
	to[1] = (uint8_t)(value >> 8);
}

/* Of a server that speaks 3.1.1, wants signatures, and chose AES-128-GCM; its clock shows
 * 2026-11-20 16:00:00. */
static void make_answer(uint8_t answer[ANSWER_SIZE])
{
	static const uint8_t logins[] = { 0x60, 0x18, 0x06, 0x09, 0x2a, 0x86, 0x48,
					  0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x06,
					  0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82,
					  0x37, 0x02, 0x02, 0x0a };
	uint64_t time = (UINT64_C(1795190400) + UINT64_C(11644473600)) * 10000000;

	memset(answer, 0, ANSWER_SIZE);
	memcpy(answer, "\xfeSMB", 4);
	put16(answer + 4, 64);
	answer[16] = 1; /* an answer */
	put16(answer + 64, 65);
	put16(answer + 66, 3);
	put16(answer + 68, 0x0311);
	put16(answer + 70, 1);
	memcpy(answer + 104, &time, sizeof(time));
	put16(answer + 120, 128);
	put16(answer + 122, sizeof(logins));
	memcpy(answer + 128, logins, sizeof(logins));
	put16(answer + 124, 160); /* where contexts begin */
	put16(answer + 160, 2);
	put16(answer + 162, 4);
	put16(answer + 168, 1);
	put16(answer + 170, 2);
}

static void what_the_server_offers_is_understood(void **state)
{
	uint8_t answer[ANSWER_SIZE];
	struct smb_offer offer;
	struct err err = { 0 };

	make_answer(answer);
	assert_int_equal(smb_negotiate_parse(answer, sizeof(answer), &offer, &err), 0);
	assert_string_equal(smb_dialect_text(offer.dialect), "SMB 3.1.1");
	assert_true(offer.signing_required && offer.encryption);
	assert_string_equal(smb_cipher_text(&offer), "AES-128-GCM");
	assert_true(offer.kerberos && offer.ntlm);
	assert_int_equal(offer.time_s, 1795190400);
	/* 3.0 says by a flag whether it encrypts */
	put16(answer + 68, 0x0300);
	assert_int_equal(smb_negotiate_parse(answer, sizeof(answer), &offer, &err), 0);
	assert_false(offer.encryption);
	answer[88] = 0x40;
	assert_int_equal(smb_negotiate_parse(answer, sizeof(answer), &offer, &err), 0);
	assert_true(offer.encryption);
	/* which 2.1 does not know */
	put16(answer + 68, 0x0210);
	put16(answer + 66, 1);
	assert_int_equal(smb_negotiate_parse(answer, sizeof(answer), &offer, &err), 0);
	assert_false(offer.encryption || offer.signing_required);
}

static void a_cipher_that_was_not_asked_for_is_none(void **state)
{
	uint8_t answer[ANSWER_SIZE];
	struct smb_offer offer;
	struct err err = { 0 };

	make_answer(answer);
	put16(answer + 170, 9);
	assert_int_equal(smb_negotiate_parse(answer, sizeof(answer), &offer, &err), 0);
	assert_false(offer.encryption);
}

static void a_time_that_cannot_be_is_none(void **state)
{
	uint8_t answer[ANSWER_SIZE];
	struct smb_offer offer;
	struct err err = { 0 };

	for (unsigned i = 0; i < 2; i++) {
		make_answer(answer);
		memset(answer + 104, i ? 0xff : 0, 8);
		assert_int_equal(
			smb_negotiate_parse(answer, sizeof(answer), &offer, &err), 0);
		assert_int_equal(offer.time_s, 0);
	}
}

/* One byte or two of the good answer, and what is said. */
static const struct {
	size_t offset;
	unsigned value;
	int code;
	const char *text;
} spoiled[] = {
	{ 0, 0x53ff, -EPROTO, "it speaks SMB 1 and nothing newer" },
	{ 0, 0x5400, -EBADMSG, "its answer is not one of SMB" },
	{ 12, 1, -EBADMSG, "command 1 in the place of an answer" },
	{ 16, 0, -EBADMSG, "command 0 in the place of an answer" },
	{ 8, 0xbb, -EPROTO, "it refuses all dialects (NT status 0x000000bb)" },
	{ 68, 0x02ff, -EBADMSG, "dialect 0x02ff, which was not asked for" },
	{ 70, 17, -EBADMSG, "17 negotiate contexts, at most 16" },
	{ 124, 185, -EBADMSG, "negotiate context at 185 of 192 bytes" },
	{ 162, 25, -EBADMSG, "negotiate context of 25 bytes at 168 of 192" },
};

static void what_makes_no_sense_is_named(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(spoiled); i++) {
		uint8_t answer[ANSWER_SIZE];
		struct smb_offer offer;
		struct err err = { 0 };

		make_answer(answer);
		put16(answer + spoiled[i].offset, spoiled[i].value);
		assert_int_equal(
			smb_negotiate_parse(answer, sizeof(answer), &offer, &err),
			spoiled[i].code);
		assert_string_equal(err.text, spoiled[i].text);
	}
}

static void an_answer_that_is_cut_off_is_no_answer(void **state)
{
	uint8_t answer[ANSWER_SIZE];
	struct smb_offer offer;
	struct err err = { 0 };

	make_answer(answer);
	assert_int_equal(smb_negotiate_parse(answer, 127, &offer, &err), -EBADMSG);
	assert_string_equal(err.text, "its answer has 127 bytes, must have 128");
	assert_int_equal(smb_negotiate_parse(answer, 3, &offer, &err), -EBADMSG);
	/* logins that point beyond it are none */
	put16(answer + 122, 0xffff);
	assert_int_equal(smb_negotiate_parse(answer, sizeof(answer), &offer, &err), 0);
	assert_false(offer.kerberos || offer.ntlm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_server_offers_is_understood),
		cmocka_unit_test(a_cipher_that_was_not_asked_for_is_none),
		cmocka_unit_test(a_time_that_cannot_be_is_none),
		cmocka_unit_test(what_makes_no_sense_is_named),
		cmocka_unit_test(an_answer_that_is_cut_off_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
