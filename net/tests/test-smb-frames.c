/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What may pass between client and server, frame by frame. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "smb-frames.h"

enum { NEGOTIATE = 0, SESSION_SETUP = 1, TREE_CONNECT = 3, READ = 8 };

#define SIGNED 0x8

/* [MS-SMB2] 2.2.1 by hand. status is only a response's. */
static int pass(struct smb_watch *watch, enum smb_direction direction, uint8_t command,
		uint8_t flags, uint32_t status, struct err *err)
{
	uint8_t frame[SMB_FRAME_HEAD] = { 0xfe, 'S', 'M', 'B', 64 };

	memcpy(frame + 8, &status, sizeof(status));
	frame[12] = command;
	frame[16] = (uint8_t)(flags | (direction == SMB_TO_CLIENT));
	return smb_watch_frame(watch, direction, frame, sizeof(frame), err);
}

static int pass_encrypted(struct smb_watch *watch, enum smb_direction direction,
			  struct err *err)
{
	uint8_t frame[SMB_FRAME_HEAD] = { 0xfd, 'S', 'M', 'B' };

	return smb_watch_frame(watch, direction, frame, sizeof(frame), err);
}

#define MORE_PROCESSING 0xc0000016u

static void log_in(struct smb_watch *watch)
{
	struct err err = { 0 };

	assert_int_equal(pass(watch, SMB_TO_SERVER, NEGOTIATE, 0, 0, &err), 0);
	assert_int_equal(pass(watch, SMB_TO_CLIENT, NEGOTIATE, 0, 0, &err), 0);
	assert_int_equal(pass(watch, SMB_TO_SERVER, SESSION_SETUP, 0, 0, &err), 0);
	assert_int_equal(
		pass(watch, SMB_TO_CLIENT, SESSION_SETUP, 0, MORE_PROCESSING, &err), 0);
	assert_false(watch->in_session);
	assert_int_equal(pass(watch, SMB_TO_SERVER, SESSION_SETUP, 0, 0, &err), 0);
	assert_int_equal(pass(watch, SMB_TO_CLIENT, SESSION_SETUP, SIGNED, 0, &err), 0);
	assert_true(watch->in_session);
}

static void nothing_but_the_login_passes_before_it(void **state)
{
	struct smb_watch watch = { .host = "nas" };
	struct err err = { 0 };

	assert_int_equal(pass(&watch, SMB_TO_SERVER, TREE_CONNECT, SIGNED, 0, &err),
			 -EPROTO);
	assert_string_equal(err.text, "'nas': command 3 before the login");
	assert_int_equal(pass(&watch, SMB_TO_CLIENT, READ, SIGNED, 0, &err), -EPROTO);
	assert_string_equal(err.text, "'nas': command 8 before the login");
	assert_int_equal(pass_encrypted(&watch, SMB_TO_SERVER, &err), -EPROTO);
	assert_string_equal(err.text,
			    "'nas': a frame that is not SMB2 or SMB3, or out of turn");
}

static void a_second_command_does_not_hide_behind_the_login(void **state)
{
	uint8_t frame[SMB_FRAME_HEAD] = { 0xfe, 'S', 'M', 'B', 64 };
	struct smb_watch watch = { .host = "nas" };
	struct err err = { 0 };

	frame[12] = SESSION_SETUP;
	frame[20] = 72; /* the next command's place */
	assert_int_equal(
		smb_watch_frame(&watch, SMB_TO_SERVER, frame, sizeof(frame), &err),
		-EPROTO);
	assert_string_equal(err.text, "'nas': command 1 before the login");
}

static void a_client_cannot_say_that_it_is_logged_in(void **state)
{
	struct smb_watch watch = { .host = "nas" };
	struct err err = { 0 };

	assert_int_equal(pass(&watch, SMB_TO_SERVER, SESSION_SETUP, 1, 0, &err), 0);
	assert_false(watch.in_session);
}

static void what_a_server_refuses_is_remembered_by_kind(void **state)
{
	struct smb_watch watch = { .host = "nas" };
	struct err err = { 0 };

	/* another round of the login is no refusal */
	assert_int_equal(pass(&watch, SMB_TO_CLIENT, SESSION_SETUP, 1, 0xc0000016, &err),
			 0);
	assert_int_equal(watch.failed[SMB_MATTER_LOGIN], 0);
	assert_int_equal(pass(&watch, SMB_TO_CLIENT, SESSION_SETUP, 1, 0xc000006d, &err),
			 0);
	assert_int_equal(watch.failed[SMB_MATTER_LOGIN], 0xc000006d);
	log_in(&watch);
	assert_int_equal(pass(&watch, SMB_TO_CLIENT, READ, SIGNED | 1, 0xc0000022, &err),
			 0);
	assert_int_equal(watch.failed[SMB_MATTER_FILE], 0xc0000022);
	assert_int_equal(pass(&watch, SMB_TO_CLIENT, 3, SIGNED | 1, 0xc00000cc, &err), 0);
	assert_int_equal(watch.failed[SMB_MATTER_SHARE], 0xc00000cc);
	/* warnings and what a client says are none */
	assert_int_equal(pass(&watch, SMB_TO_CLIENT, READ, SIGNED | 1, 0x80000006, &err),
			 0);
	assert_int_equal(pass(&watch, SMB_TO_SERVER, READ, SIGNED, 0xc0000043, &err), 0);
	assert_int_equal(watch.failed[SMB_MATTER_FILE], 0xc0000022);
}

static void required_encryption_lets_only_encrypted_frames_pass(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct smb_watch watch = { .host = "nas", .require_encryption = true };
		struct err err = { 0 };

		log_in(&watch);
		assert_int_equal(pass_encrypted(&watch, SMB_TO_SERVER, &err), 0);
		assert_int_equal(pass_encrypted(&watch, SMB_TO_CLIENT, &err), 0);
		assert_true(watch.seen_encrypted);
		assert_int_equal(pass(&watch, i ? SMB_TO_CLIENT : SMB_TO_SERVER, READ,
				      SIGNED, 0, &err),
				 -EPROTO);
		assert_string_equal(err.text,
				    "'nas': the server does not encrypt: use encrypt = "
				    "if-offered, or turn encryption on for the whole "
				    "server");
		assert_false(watch.seen_clear);
	}
}

static void a_request_that_is_not_signed_does_not_leave(void **state)
{
	struct smb_watch watch = { .host = "nas" };
	struct err err = { 0 };

	log_in(&watch);
	assert_int_equal(pass(&watch, SMB_TO_SERVER, TREE_CONNECT, SIGNED, 0, &err), 0);
	assert_true(watch.seen_clear);
	assert_int_equal(pass(&watch, SMB_TO_SERVER, TREE_CONNECT, 0, 0, &err), -EPROTO);
	assert_string_equal(err.text,
			    "'nas': the connection is neither encrypted nor signed (a "
			    "guest's?): use an account of the server");
}

static void an_echo_passes_and_nothing_in_its_clothes(void **state)
{
	uint8_t frame[SMB_FRAME_HEAD + 10] = { 0xfe, 'S', 'M', 'B', 64 };
	struct smb_watch watch = { .host = "nas", .require_encryption = true };
	struct err err = { 0 };

	frame[12] = 13;
	assert_int_equal(smb_watch_frame(&watch, SMB_TO_SERVER, frame, 68, &err),
			 -EPROTO);
	log_in(&watch);
	assert_int_equal(smb_watch_frame(&watch, SMB_TO_SERVER, frame, 68, &err), 0);
	assert_int_equal(smb_watch_frame(&watch, SMB_TO_CLIENT, frame, 73, &err), 0);
	assert_false(watch.seen_clear);
	assert_int_equal(smb_watch_frame(&watch, SMB_TO_CLIENT, frame, 74, &err),
			 -EPROTO);
	frame[20] = 68; /* another command behind it */
	assert_int_equal(smb_watch_frame(&watch, SMB_TO_SERVER, frame, 68, &err),
			 -EPROTO);
}

static void other_protocols_never_pass(void **state)
{
	static const uint8_t first[] = { 0xff, 0xfc, 0x00, 0xfe };

	for (unsigned i = 0; i < sizeof(first); i++) {
		uint8_t frame[SMB_FRAME_HEAD] = { first[i], 'S', 'M', 'C' };
		struct smb_watch watch = { .host = "nas" };
		struct err err = { 0 };

		if (first[i] != 0xfe)
			frame[3] = 'B';
		for (unsigned k = 0; k < 2; k++) {
			assert_int_equal(smb_watch_frame(&watch, SMB_TO_CLIENT, frame,
							 sizeof(frame), &err),
					 -EPROTO);
			assert_string_equal(err.text, "'nas': a frame that is not SMB2 "
						      "or SMB3, or out of turn");
			if (!watch.in_session)
				log_in(&watch);
		}
	}
}

static void a_frame_that_is_cut_short_does_not_pass(void **state)
{
	uint8_t frame[SMB_FRAME_HEAD] = { 0xfe, 'S', 'M', 'B', 64 };

	for (uint32_t length = 0; length < sizeof(frame); length++) {
		struct smb_watch watch = { .host = "nas" };
		struct err err = { 0 };

		assert_int_equal(
			smb_watch_frame(&watch, SMB_TO_SERVER, frame, length, &err),
			-EPROTO);
	}
}

static void lengths_are_those_of_a_session(void **state)
{
	static const uint8_t good[] = { 0, 1, 2, 3 }, other[] = { 0x85, 0, 0, 8 },
			     empty[] = { 0, 0, 0, 3 };
	struct err err = { 0 };
	uint32_t length = 0;

	assert_int_equal(smb_frame_length(good, &length, &err), 0);
	assert_int_equal(length, 0x010203);
	assert_int_equal(smb_frame_length(other, &length, &err), -EBADMSG);
	assert_string_equal(err.text, "a frame of type 133, must be 0");
	assert_int_equal(smb_frame_length(empty, &length, &err), -EBADMSG);
	assert_string_equal(err.text, "a frame of 3 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_but_the_login_passes_before_it),
		cmocka_unit_test(a_second_command_does_not_hide_behind_the_login),
		cmocka_unit_test(a_client_cannot_say_that_it_is_logged_in),
		cmocka_unit_test(what_a_server_refuses_is_remembered_by_kind),
		cmocka_unit_test(required_encryption_lets_only_encrypted_frames_pass),
		cmocka_unit_test(a_request_that_is_not_signed_does_not_leave),
		cmocka_unit_test(an_echo_passes_and_nothing_in_its_clothes),
		cmocka_unit_test(other_protocols_never_pass),
		cmocka_unit_test(a_frame_that_is_cut_short_does_not_pass),
		cmocka_unit_test(lengths_are_those_of_a_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
