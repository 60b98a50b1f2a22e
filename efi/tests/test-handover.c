/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files, initrd and command line for Linux. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handover.h"

static const struct boot_partition gpt = {
	.style = PARTITION_GPT,
	.number = 1,
	.guid = { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0,
		  0xc9, 0x3e, 0xc9, 0x3b },
};
static const struct boot_partition mbr = { .style = PARTITION_MBR,
					   .number = 2,
					   .disk_signature = 0x8ae9dbe5 };
static const struct boot_partition unknown = { 0 };

static struct boot_facts make_facts(void)
{
	return (struct boot_facts){
		.version = "0.1",
		.loader = "\\EFI\\BOOT\\BOOTX64.EFI",
		.device = "PciRoot(0)/USB(1,0)",
		.partition = gpt,
		.secure_boot = "disabled",
		.firmware_vendor = "EDK II\nmode=auto",
		.firmware_revision = 0x10000,
		.answer = "\\openbmr.ini",
		.mode = BOOT_ASK,
	};
}

static struct bytes text_bytes(const char *text)
{
	return (struct bytes){ (const uint8_t *)text, strlen(text) };
}

/* -- the archive -------------------------------------------------------------------- */

static uint8_t archive[HANDOVER_MAX_SIZE];

/* Output of a shell command with the archive as its input. */
static void pipe_archive(size_t length, const char *command, char *ret, size_t size)
{
	char name[] = "/tmp/test-handover-XXXXXX", line[256];
	int fd = mkstemp(name);
	size_t got;
	FILE *pipe;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, archive, length), length);
	close(fd);
	snprintf(line, sizeof(line), "<%s %s", name, command);
	pipe = popen(line, "r");
	assert_non_null(pipe);
	got = fread(ret, 1, size - 1, pipe);
	ret[got] = '\0';
	assert_int_equal(pclose(pipe), 0);
	unlink(name);
}

/* Into `archive`; its length. */
static size_t write_archive(const struct handover *handover)
{
	struct err err;
	size_t length;

	assert_int_equal(
		handover_write(handover, archive, sizeof(archive), &length, &err), 0);
	return length;
}

static void archive_holds_answer_credentials_and_facts(void **state)
{
	struct boot_facts facts = make_facts();
	struct handover handover = { text_bytes("format = 1\r\n"), text_bytes("user=u\n"),
				     &facts };
	char out[4096];
	size_t length;

	length = write_archive(&handover);
	pipe_archive(length, "cpio --quiet -itv | awk '{ print $1, $5, $NF }'", out,
		     sizeof(out));
	assert_string_equal(out, "drwxr-xr-x 0 openbmr\n"
				 "-rw-r--r-- 12 openbmr/openbmr.ini\n"
				 "-rw------- 7 openbmr/openbmr.cred\n"
				 "-rw-r--r-- 227 openbmr/boot.txt\n");
	pipe_archive(length, "cpio --quiet -i --to-stdout '*.ini'", out, sizeof(out));
	assert_string_equal(out, "format = 1\r\n");
}

static void files_of_a_server_lie_apart_with_their_signature(void **state)
{
	struct boot_facts facts = make_facts();
	struct handover handover = { text_bytes("format = 1\r\n"), text_bytes("user=u\n"),
				     &facts, text_bytes("signature"), true };
	char out[4096];

	pipe_archive(write_archive(&handover),
		     "cpio --quiet -itv | awk '{ print $1, $5, $NF }'", out, sizeof(out));
	assert_string_equal(out, "drwxr-xr-x 0 openbmr\n"
				 "drwxr-xr-x 0 openbmr/network\n"
				 "-rw-r--r-- 12 openbmr/network/openbmr.ini\n"
				 "-rw-r--r-- 9 openbmr/network/openbmr.ini.sig\n"
				 "-rw------- 7 openbmr/network/openbmr.cred\n"
				 "-rw-r--r-- 227 openbmr/boot.txt\n");
}

static void facts_are_one_line_each_whatever_the_firmware_says(void **state)
{
	struct boot_facts facts = make_facts();
	struct handover handover = { .facts = &facts };
	char out[4096];

	pipe_archive(write_archive(&handover),
		     "cpio --quiet -i --to-stdout openbmr/boot.txt", out, sizeof(out));
	assert_string_equal(out, "version=0.1\n"
				 "loader=\\EFI\\BOOT\\BOOTX64.EFI\n"
				 "device=PciRoot(0)/USB(1,0)\n"
				 "partition=c12a7328-f81f-11d2-ba4b-00a0c93ec93b\n"
				 "secure_boot=disabled\n"
				 "firmware_vendor=EDK II?mode=auto\n"
				 "firmware_revision=0x00010000\n"
				 "answer=\\openbmr.ini\n"
				 "mode=ask\n");
}

static void without_answer_file_only_the_facts_are_there(void **state)
{
	struct boot_facts facts = make_facts();
	struct handover handover = { .facts = &facts };
	char out[4096];

	pipe_archive(write_archive(&handover), "cpio --quiet -it", out, sizeof(out));
	assert_string_equal(out, "openbmr\nopenbmr/boot.txt\n");
}

static void files_at_their_limits_fit_and_above_are_refused(void **state)
{
	struct boot_facts facts = make_facts();
	uint8_t *big = calloc(1, ANSWER_MAX_SIZE + 1);
	char *device = calloc(1, BOOT_FACTS_MAX_SIZE + 1);
	struct handover handover = { { big, ANSWER_MAX_SIZE },
				     { big, CREDENTIALS_MAX_SIZE },
				     &facts };
	struct err err;
	size_t length = 77;

	/* 208 = all of boot.txt but the device, 1 for the NUL */
	memset(device, 'd', BOOT_FACTS_MAX_SIZE - 208 - 1);
	facts.device = device;
	assert_int_equal(
		handover_write(&handover, archive, sizeof(archive), &length, &err), 0);
	assert_true(length <= sizeof(archive));
	length = 77;
	handover.answer.size++;
	assert_int_equal(
		handover_write(&handover, archive, sizeof(archive), &length, &err),
		-ENOSPC);
	assert_string_equal(err.text,
			    "'openbmr/openbmr.ini': 65537 bytes, limit is 65536");
	handover.answer.size--;
	handover.credentials.size++;
	assert_int_equal(
		handover_write(&handover, archive, sizeof(archive), &length, &err),
		-ENOSPC);
	assert_string_equal(err.text,
			    "'openbmr/openbmr.cred': 4097 bytes, limit is 4096");
	handover.credentials.size--;
	device[BOOT_FACTS_MAX_SIZE - 208 - 1] = 'd';
	assert_int_equal(
		handover_write(&handover, archive, sizeof(archive), &length, &err),
		-ENOSPC);
	assert_string_equal(err.text, "'boot.txt': longer than 8191 bytes");
	assert_int_equal(length, 77);
	free(device);
	free(big);
}

/* -- the initrd --------------------------------------------------------------------- */

static void archive_starts_at_a_multiple_of_four_behind_zeros(void **state)
{
	for (size_t payload = 1; payload <= 8; payload++) {
		size_t start = (payload + 3) / 4 * 4, size;
		struct initrd initrd = { { (const uint8_t *)"PPPPPPPP", payload },
					 { (const uint8_t *)"070701", 6 } };
		uint8_t out[16], expected[16] = { 0 };
		struct err err;

		assert_int_equal(initrd_size(&initrd, &size, &err), 0);
		assert_int_equal(size, start + 6);
		memset(out, 0xff, sizeof(out));
		initrd_copy(&initrd, out);
		memset(expected, 'P', payload);
		memcpy(expected + start, "070701", 6);
		assert_memory_equal(out, expected, size);
	}
}

static void initramfs_must_not_be_empty_or_enormous(void **state)
{
	struct initrd initrd = { { NULL, 0 }, { (const uint8_t *)"070701", 6 } };
	struct err err;
	size_t size;

	assert_int_equal(initrd_size(&initrd, &size, &err), -EINVAL);
	assert_string_equal(err.text, "initramfs: 0 bytes, must be 1 to 536870912");
	initrd.initramfs.size = INITRAMFS_MAX_SIZE + 1;
	assert_int_equal(initrd_size(&initrd, &size, &err), -EINVAL);
	assert_string_equal(err.text,
			    "initramfs: 536870913 bytes, must be 1 to 536870912");
}

/* -- the command line --------------------------------------------------------------- */

static void command_line_is(const char *payload, const struct boot_partition *partition,
			    enum boot_mode mode, const char *expected)
{
	char line[COMMAND_LINE_SIZE];
	struct err err;

	assert_int_equal(
		command_line_compose(text_bytes(payload), partition, mode, line, &err),
		0);
	assert_string_equal(line, expected);
}

static void command_line_names_partition_and_mode(void **state)
{
	command_line_is("quiet", &gpt, BOOT_AUTO,
			"quiet openbmr.boot=c12a7328-f81f-11d2-ba4b-00a0c93ec93b "
			"openbmr.mode=auto");
	command_line_is("quiet", &mbr, BOOT_ASK,
			"quiet openbmr.boot=mbr:8ae9dbe5:2 openbmr.mode=ask");
	command_line_is("quiet", &unknown, BOOT_ASK, "quiet openbmr.mode=ask");
	command_line_is("", &unknown, BOOT_ASK, "openbmr.mode=ask");
}

static void line_ends_and_runs_of_blanks_become_one_blank(void **state)
{
	command_line_is("  quiet \r\n\tconsole=ttyS0  panic=5\r\n\r\n", &unknown,
			BOOT_ASK, "quiet console=ttyS0 panic=5 openbmr.mode=ask");
}

static void nuls_at_the_end_are_dropped_and_others_refused(void **state)
{
	struct bytes payload = { (const uint8_t *)"a\0b\0\0", 5 };
	char line[COMMAND_LINE_SIZE] = "untouched";
	struct err err;

	assert_int_equal(command_line_compose(payload, &unknown, BOOT_ASK, line, &err),
			 -EINVAL);
	assert_string_equal(err.text, "command line: byte 0x00 at 1, must be ASCII text");
	assert_string_equal(line, "untouched");
	payload = (struct bytes){ (const uint8_t *)"ab\0\0", 4 };
	assert_int_equal(command_line_compose(payload, &unknown, BOOT_ASK, line, &err),
			 0);
	assert_string_equal(line, "ab openbmr.mode=ask");
}

static void text_that_is_not_ascii_is_refused(void **state)
{
	static const struct {
		const char *payload, *text;
	} cases[] = {
		{ "\xef\xbb\xbfquiet",
		  "command line: byte 0xef at 0, must be ASCII text" },
		{ "a\x7f", "command line: byte 0x7f at 1, must be ASCII text" },
		{ "ab\x1b[", "command line: byte 0x1b at 2, must be ASCII text" },
	};
	char line[COMMAND_LINE_SIZE];
	struct err err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(command_line_compose(text_bytes(cases[i].payload),
						      &unknown, BOOT_ASK, line, &err),
				 -EINVAL);
		assert_string_equal(err.text, cases[i].text);
	}
}

static void arguments_that_protect_the_boot_medium_cannot_be_preset(void **state)
{
	static const char *const payloads[] = { "openbmr.boot=x",
						"quiet\nopenbmr.mode=auto" };
	char line[COMMAND_LINE_SIZE];
	struct err err;

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(command_line_compose(text_bytes(payloads[i]), &unknown,
						      BOOT_ASK, line, &err),
				 -EINVAL);
		assert_string_equal(err.text,
				    i ? "command line: 'openbmr.mode' is set by the boot "
					"application only"
				      : "command line: 'openbmr.boot' is set by the boot "
					"application only");
	}
	command_line_is("x.openbmr.mode=1 openbmr.modes=2", &unknown, BOOT_ASK,
			"x.openbmr.mode=1 openbmr.modes=2 openbmr.mode=ask");
}

static void command_line_of_the_kernels_limit_fits_and_above_is_refused(void **state)
{
	char payload[COMMAND_LINE_SIZE + 1] = "";
	char line[COMMAND_LINE_SIZE];
	struct err err;

	memset(payload, 'x', COMMAND_LINE_SIZE - 1 - strlen(" openbmr.mode=ask"));
	assert_int_equal(
		command_line_compose(text_bytes(payload), &unknown, BOOT_ASK, line, &err),
		0);
	assert_int_equal(strlen(line), COMMAND_LINE_SIZE - 1);
	payload[strlen(payload)] = 'x';
	assert_int_equal(
		command_line_compose(text_bytes(payload), &unknown, BOOT_ASK, line, &err),
		-ENOSPC);
	assert_string_equal(err.text, "command line: longer than 2047 characters");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(archive_holds_answer_credentials_and_facts),
		cmocka_unit_test(files_of_a_server_lie_apart_with_their_signature),
		cmocka_unit_test(facts_are_one_line_each_whatever_the_firmware_says),
		cmocka_unit_test(without_answer_file_only_the_facts_are_there),
		cmocka_unit_test(files_at_their_limits_fit_and_above_are_refused),
		cmocka_unit_test(archive_starts_at_a_multiple_of_four_behind_zeros),
		cmocka_unit_test(initramfs_must_not_be_empty_or_enormous),
		cmocka_unit_test(command_line_names_partition_and_mode),
		cmocka_unit_test(line_ends_and_runs_of_blanks_become_one_blank),
		cmocka_unit_test(nuls_at_the_end_are_dropped_and_others_refused),
		cmocka_unit_test(text_that_is_not_ascii_is_refused),
		cmocka_unit_test(arguments_that_protect_the_boot_medium_cannot_be_preset),
		cmocka_unit_test(
			command_line_of_the_kernels_limit_fits_and_above_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
