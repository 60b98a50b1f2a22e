/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reader process: over a folder with a real image in it, and with processes that lie.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/bytes.h>
#include <base/checked.h>
#include <base/tree.h>

#include "reader/reader-internal.h"

#define VOLUME_OFFSET (64 * KiB) /* LBA 128, as Windows does (FORMAT.md section 2) */
#define VOLUME_SIZE   (1 * MiB)
#define DISK_SIZE     (VOLUME_OFFSET + VOLUME_SIZE)
#define SLOT_SIZE     65536

static char folder[] = "/tmp/test-reader-XXXXXX";
static uint8_t volume_bytes[VOLUME_SIZE];

static const struct backup_volume image = { .image_path = (char *)"disk.vhd" };
static const struct backup_volume missing = { .image_path = (char *)"sub/none.vhd" };

/* -- the folder ------------------------------------------------------------------- */

static void write_file(const char *name, const void *bytes, size_t length)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* The footer of a fixed VHD (VHD specification 1.0, "Hard Disk Footer Format"). */
static void make_footer(uint8_t footer[512], uint64_t size)
{
	const be64 no_offset = put_be64(UINT64_MAX), disk_size = put_be64(size);
	const be32 version = put_be32(0x10000), features = put_be32(2),
		   type = put_be32(2);
	uint32_t sum = 0;
	be32 checksum;

	memset(footer, 0, 512);
	memcpy(footer, "conectix", 8);
	memcpy(footer + 8, &features, 4);
	memcpy(footer + 12, &version, 4);
	memcpy(footer + 16, &no_offset, 8);
	memcpy(footer + 28, "vsim", 4);
	memcpy(footer + 36, "Wi2k", 4);
	memcpy(footer + 40, &disk_size, 8);
	memcpy(footer + 48, &disk_size, 8);
	memcpy(footer + 56, "\x00\x20\x04\x11",
	       4); /* 32 x 4 x 17 sectors: 1114112 bytes */
	memcpy(footer + 60, &type, 4);
	memset(footer + 68, 0x5a, 16); /* unique id */
	for (size_t i = 0; i < 512; i++)
		sum += footer[i];
	checksum = put_be32(~sum);
	memcpy(footer + 64, &checksum, 4);
}

/* A disk with an MBR and one partition of type 07 without a file system. */
/* beside the images */
#define BESIDE	    "layout.json"
#define BESIDE_TEXT "{ \"style\": \"gpt\" }"

static int make_folder(void **state)
{
	static uint8_t disk[DISK_SIZE + 512];
	const uint8_t entry[16] = { 0, 0, 0, 0, 7, 0, 0, 0, 128, 0, 0, 0, 0, 8, 0, 0 };

	if (!mkdtemp(folder) || chmod(folder, 0755) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(volume_bytes); i++)
		volume_bytes[i] = (uint8_t)(i ^ (i >> 8) ^ (i >> 16));
	memset(volume_bytes, 0, 4096);
	memcpy(disk + 446, entry, sizeof(entry));
	disk[510] = 0x55;
	disk[511] = 0xaa;
	memcpy(disk + VOLUME_OFFSET, volume_bytes, sizeof(volume_bytes));
	make_footer(disk + DISK_SIZE, DISK_SIZE);
	write_file("disk.vhd", disk, sizeof(disk));
	write_file(BESIDE, BESIDE_TEXT, strlen(BESIDE_TEXT));
	return 0;
}

static int remove_folder(void **state)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/disk.vhd", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/" BESIDE, folder);
	unlink(path);
	return rmdir(folder);
}

static int open_folder(void *context, struct tree **ret, struct err *err)
{
	return tree_local_open(context, ret, err);
}

static const char *const readable[] = { folder, NULL };

static const struct reader_options local = {
	.open_tree = open_folder,
	.readable = readable,
	.context = folder,
	.local = true,
	.slots = 4,
	.slot_size = SLOT_SIZE,
};

static struct reader *start_reader(void)
{
	struct reader *reader = NULL;
	struct err err = { 0 };

	if (reader_start(&local, &reader, &err) < 0)
		fail_msg("%s", err.text);
	return reader;
}

static unsigned open_image(struct reader *reader)
{
	struct err err = { 0 };
	uint64_t length = 0;
	unsigned volume = 99;

	if (reader_open_volume(reader, &image, &volume, &length, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(length, VOLUME_SIZE);
	return volume;
}

static void submit(struct reader *reader, unsigned volume, uint64_t offset)
{
	struct err err = { 0 };

	if (reader_submit(reader, volume, offset, SLOT_SIZE, &err) < 0)
		fail_msg("%s", err.text);
}

/* -- blocks ----------------------------------------------------------------------- */

static void blocks_come_back_whole_with_all_slots_in_flight(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	unsigned volume = open_image(reader);
	uint64_t offset = 0, seen = 0;
	struct err err = { 0 };

	while (seen < VOLUME_SIZE) {
		struct reader_block block;

		while (offset < VOLUME_SIZE && reader_can_submit(reader, 512)) {
			submit(reader, volume, offset);
			offset += SLOT_SIZE;
		}
		assert_in_range(reader_in_flight(reader), 1, 4);
		assert_int_equal(reader_wait(reader, 10000, &block, &err), 0);
		assert_int_equal(block.volume, volume);
		assert_int_equal(block.length, SLOT_SIZE);
		assert_int_equal((uintptr_t)block.bytes % 4096, 0);
		assert_memory_equal(block.bytes, volume_bytes + block.offset,
				    block.length);
		seen += block.length;
		reader_release(reader, block.slot);
	}
	assert_int_equal(reader_in_flight(reader), 0);
	assert_int_equal(reader_close_volume(reader, volume, &err), 0);
}

static void a_held_slot_is_not_used_again(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	unsigned volume = open_image(reader);
	struct reader_block block;
	struct err err = { 0 };

	for (int i = 0; i < 4; i++) {
		submit(reader, volume, (uint64_t)i * SLOT_SIZE);
		assert_int_equal(reader_wait(reader, 10000, &block, &err), 0);
	}
	assert_false(reader_can_submit(reader, 512));
	assert_int_equal(reader_submit(reader, volume, 0, 512, &err), -EBUSY);
	assert_string_equal(err.text, "all 4 slots of the reader are in use");
	reader_release(reader, block.slot);
	assert_true(reader_can_submit(reader, 512));
}

static void reads_outside_of_the_volume_are_refused_before_they_are_sent(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	unsigned volume = open_image(reader);
	struct reader_block block;
	struct err err = { 0 };

	assert_int_equal(reader_submit(reader, volume, VOLUME_SIZE - 512, 1024, &err),
			 -EINVAL);
	assert_string_equal(err.text, "'disk.vhd': range 1048064+1024 leaves the volume "
				      "of 1048576 bytes");
	assert_int_equal(reader_submit(reader, volume, UINT64_MAX, 512, &err), -EINVAL);
	assert_int_equal(reader_submit(reader, volume, 0, 0, &err), -EINVAL);
	assert_string_equal(err.text, "a read of 0 bytes, must be from 1 to 262144");
	assert_int_equal(reader_submit(reader, volume, 0, 4 * SLOT_SIZE + 1, &err),
			 -EINVAL);
	assert_int_equal(reader_submit(reader, volume + 1, 0, 512, &err), -EINVAL);
	assert_string_equal(err.text, "volume 1 is not open in the reader");
	assert_int_equal(reader_wait(reader, 0, &block, &err), -EINVAL);
	assert_string_equal(err.text, "no read is in flight");
}

static void one_failed_read_says_why_and_the_others_arrive(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	unsigned volume = open_image(reader);
	struct reader_block block;
	struct err err = { 0 };
	char path[256], expected[512];

	snprintf(path, sizeof(path), "%s/disk.vhd", folder);
	assert_int_equal(truncate(path, VOLUME_OFFSET + SLOT_SIZE), 0);
	submit(reader, volume, SLOT_SIZE);
	submit(reader, volume, 0);
	assert_int_equal(reader_wait(reader, 10000, &block, &err), -EIO);
	snprintf(expected, sizeof(expected),
		 "'%s/disk.vhd': file ended at 131072, expected 1114624", folder);
	assert_string_equal(err.text, expected);
	assert_int_equal(reader_wait(reader, 10000, &block, &err), 0);
	assert_int_equal(block.offset, 0);
	remove_folder(NULL);
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	assert_int_equal(make_folder(NULL), 0);
}

/* -- volumes ---------------------------------------------------------------------- */

static void a_missing_image_is_named(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	struct err err = { 0 };
	char expected[512];
	uint64_t length;
	unsigned volume;

	assert_int_equal(reader_open_volume(reader, &missing, &volume, &length, &err),
			 -ENOENT);
	snprintf(expected, sizeof(expected),
		 "'%s/sub/none.vhd': opening for reading: No such file or directory",
		 folder);
	assert_string_equal(err.text, expected);
}

static void open_volumes_are_bounded_and_can_be_closed(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	struct err err = { 0 };
	uint64_t length;
	unsigned volume;

	for (unsigned i = 0; i < READER_MAX_VOLUMES; i++)
		assert_int_equal(open_image(reader), i);
	assert_int_equal(reader_open_volume(reader, &image, &volume, &length, &err),
			 -EMFILE);
	assert_string_equal(err.text, "64 volumes are open in the reader, at most 64");
	assert_int_equal(reader_close_volume(reader, 7, &err), 0);
	assert_int_equal(open_image(reader), 7);
	submit(reader, 7, 0);
	assert_int_equal(reader_close_volume(reader, 7, &err), -EBUSY);
	assert_string_equal(err.text, "'disk.vhd': closed while reads are in flight");
}

static void a_map_covers_the_volume(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	unsigned volume = open_image(reader);
	struct volume_range ranges[8];
	struct err err = { 0 };
	uint64_t offset = 0;
	size_t count = 1;

	while (offset < VOLUME_SIZE) {
		assert_int_equal(
			reader_map(reader, volume, offset, ranges, 8, &count, &err), 0);
		assert_in_range(count, 1, 8);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(ranges[i].offset, offset);
			offset += ranges[i].length;
		}
	}
	assert_int_equal(offset, VOLUME_SIZE);
	assert_int_equal(reader_map(reader, volume, offset, ranges, 8, &count, &err), 0);
	assert_int_equal(count, 0);
}

static void a_volume_can_be_read_as_a_source_while_blocks_are_in_flight(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	AUTO(source_freep) struct block_source *source = NULL;
	unsigned volume = open_image(reader);
	static uint8_t bytes[3 * SLOT_SIZE];
	struct reader_block block;
	struct err err = { 0 };

	assert_int_equal(reader_source(reader, volume, &source, &err), 0);
	assert_int_equal(source->size, VOLUME_SIZE);
	submit(reader, volume, 0);
	assert_int_equal(source_read(source, bytes, 4097, sizeof(bytes), &err), 0);
	assert_memory_equal(bytes, volume_bytes + 4097, sizeof(bytes));
	assert_int_equal(reader_wait(reader, 10000, &block, &err), 0);
	assert_memory_equal(block.bytes, volume_bytes, SLOT_SIZE);
}

static void a_file_of_a_volume_without_file_system_is_an_error(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	unsigned volume = open_image(reader);
	uint8_t *bytes = NULL;
	struct err err = { 0 };
	size_t length;

	assert_true(reader_read_file(reader, volume, "Boot/BCD", &bytes, &length, &err) <
		    0);
	assert_null(bytes);
	assert_int_equal(err.code == -EPIPE || err.code == -EPROTO, false);
}

static void a_file_of_the_tree_is_read_and_nothing_outside_of_it(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	static const char *const outside[] = { "../escape", "/etc/passwd", "no such file",
					       "" };
	AUTO_FREE uint8_t *bytes = NULL;
	struct err err = { 0 };
	size_t length;

	if (reader_read_file(reader, READER_TREE, BESIDE, &bytes, &length, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(length, strlen(BESIDE_TEXT));
	assert_memory_equal(bytes, BESIDE_TEXT, length);
	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		uint8_t *none = NULL;

		assert_true(reader_read_file(reader, READER_TREE, outside[i], &none,
					     &length, &err) < 0);
		assert_null(none);
		assert_int_equal(err.code == -EPIPE || err.code == -EPROTO, false);
	}
}

/* -- scan ------------------------------------------------------------------------- */

static int count_progress(const struct scan_progress *progress, void *context)
{
	assert_non_null(progress->folder);
	(*(unsigned *)context)++;
	return 0;
}

static int cancel_at_once(const struct scan_progress *progress, void *context)
{
	(*(unsigned *)context)++;
	return 1;
}

static void a_scan_reports_and_hands_back_what_was_found(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	AUTO(backup_freep) struct backup *backup = NULL;
	struct err err = { 0 };
	unsigned told = 0;

	if (reader_scan(reader, count_progress, &told, &backup, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(told > 0);
	assert_int_equal(backup->machine_count, 1);
	assert_int_equal(backup->machines[0].versions[0].volume_count, 1);
	assert_string_equal(backup->machines[0].versions[0].volumes[0].image_path,
			    "disk.vhd");
}

static void a_scan_can_be_cancelled_and_the_reader_goes_on(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	struct backup *backup = NULL;
	struct err err = { 0 };
	unsigned told = 0;

	assert_int_equal(reader_scan(reader, cancel_at_once, &told, &backup, &err),
			 -ECANCELED);
	assert_null(backup);
	assert_int_equal(told, 1);
	open_image(reader);
}

/* -- the process ------------------------------------------------------------------ */

static void a_folder_that_cannot_be_opened_is_the_error_of_the_start(void **state)
{
	char path[] = "/nowhere/at/all";
	struct reader_options options = { .open_tree = open_folder, .context = path };
	struct reader *reader = NULL;
	struct err err = { 0 };

	assert_int_equal(reader_start(&options, &reader, &err), -ENOENT);
	assert_null(reader);
	assert_string_equal(err.text, "'/nowhere/at/all': opening the folder: No such "
				      "file or directory");
}

static int count_ticks(void *context, struct err *err)
{
	unsigned *left = context;

	return --*left ? 0 : err_set(err, -ECANCELED, "enough");
}

static void who_waits_for_a_silent_reader_is_asked_whether_to_go_on(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	unsigned volume = open_image(reader), left = 3;
	struct reader_block block;
	struct err err = { 0 };

	kill(reader->links[0].pid, SIGSTOP);
	reader_on_wait(reader, count_ticks, &left);
	submit(reader, volume, 0);
	assert_int_equal(reader_wait(reader, 60000, &block, &err), -ECANCELED);
	assert_string_equal(err.text, "enough");
	assert_int_equal(left, 0);
	kill(reader->links[0].pid, SIGCONT);
	left = 100;
	assert_int_equal(reader_wait(reader, 60000, &block, &err), 0);
	assert_true(block.work_ns > 0);
	reader_release(reader, block.slot);
}

static void a_killed_reader_is_told_with_the_signal(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	unsigned volume = open_image(reader);
	struct reader_block block;
	struct err err = { 0 };
	uint64_t length;

	kill(reader->links[0].pid, SIGSTOP);
	submit(reader, volume, 0);
	assert_int_equal(reader_wait(reader, 20, &block, &err), -ETIMEDOUT);
	assert_string_equal(err.text,
			    "after 20 ms, 1 reads in flight: no answer from the "
			    "reader process");
	kill(reader->links[0].pid, SIGKILL);
	assert_int_equal(reader_wait(reader, 10000, &block, &err), -EPIPE);
	assert_string_equal(err.text,
			    "the reader process was killed by signal 9 (Killed)");
	memset(&err, 0, sizeof(err));
	assert_int_equal(reader_open_volume(reader, &image, &volume, &length, &err),
			 -EPIPE);
	assert_string_equal(err.text,
			    "the reader process was killed by signal 9 (Killed)");
	assert_false(reader_can_submit(reader, 512));
}

static int open_after_death(void *context, struct tree **ret, struct err *err)
{
	_exit(7);
}

static void
a_reader_that_ends_before_the_tree_is_open_is_told_with_its_status(void **state)
{
	struct reader_options options = { .open_tree = open_after_death };
	struct reader *reader = NULL;
	struct err err = { 0 };

	assert_int_equal(reader_start(&options, &reader, &err), -EPIPE);
	assert_string_equal(err.text, "the reader process ended with exit status 7");
}

/* The value of a line of /proc/PID/status, without the blank before it. */
static void read_status(pid_t pid, const char *key, char *value, size_t size)
{
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	assert_non_null(file);
	value[0] = '\0';
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0)
			snprintf(value, size, "%s",
				 line + strlen(key) + strspn(line + strlen(key), "\t"));
	fclose(file);
	value[strcspn(value, "\n")] = '\0';
}

/* Everything but the socket leads to /dev/null. */
static void check_descriptors(pid_t pid)
{
	char path[64], target[256];
	unsigned sockets = 0, nulls = 0;
	struct dirent *entry;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	fds = opendir(path);
	assert_non_null(fds);
	while ((entry = readdir(fds))) {
		ssize_t n =
			readlinkat(dirfd(fds), entry->d_name, target, sizeof(target) - 1);

		if (entry->d_name[0] == '.')
			continue;
		assert_true(n > 0);
		target[n] = '\0';
		if (strncmp(target, "socket:", 7) == 0)
			sockets++;
		else if (strcmp(target, "/dev/null") == 0)
			nulls++;
		else /* the tree's folder, opened read-only */
			assert_string_equal(target, folder);
	}
	closedir(fds);
	assert_int_equal(sockets, 1);
	assert_int_equal(nulls, 3);
}

static void the_reader_of_a_root_engine_is_nobody_with_one_capability(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	AUTO_CLOSE int writable = -1;
	char value[128];

	if (geteuid() != 0) {
		print_message("needs root, skipped\n");
		skip();
	}
	/* as a disk that is open in the engine */
	writable = open("/proc/self/oom_score_adj", O_RDWR);
	assert_true(writable >= 0);
	reader = start_reader();
	read_status(reader->links[0].pid, "Uid:", value, sizeof(value));
	assert_string_equal(value, "65534\t65534\t65534\t65534");
	read_status(reader->links[0].pid, "Gid:", value, sizeof(value));
	assert_string_equal(value, "65534\t65534\t65534\t65534");
	read_status(reader->links[0].pid, "Groups:", value, sizeof(value));
	assert_true(value[0] == '\0' || value[0] == ' ');
	read_status(reader->links[0].pid, "CapEff:", value, sizeof(value));
	assert_string_equal(value, "0000000000000004"); /* CAP_DAC_READ_SEARCH */
	read_status(reader->links[0].pid, "CapPrm:", value, sizeof(value));
	assert_string_equal(value, "0000000000000004");
	read_status(reader->links[0].pid, "CapInh:", value, sizeof(value));
	assert_string_equal(value, "0000000000000000");
	read_status(reader->links[0].pid, "CapAmb:", value, sizeof(value));
	assert_string_equal(value, "0000000000000000");
	read_status(reader->links[0].pid, "NoNewPrivs:", value, sizeof(value));
	assert_string_equal(value, "1");
	check_descriptors(reader->links[0].pid);
}

/* Tries, inside of the process, what it must not be able to do. */
static int open_and_try_to_write(void *context, struct tree **ret, struct err *err)
{
	const char *path = context;
	int fd = open(path, O_RDWR);

	if (fd >= 0)
		return err_set(err, -EFAULT, "could open '%s' for writing", path);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return err_errno(err, errno, "could not open '%s' for reading", path);
	close(fd);
	return err_set(err, -EXDEV, "reads only");
}

static void
the_reader_of_a_root_engine_reads_what_is_roots_but_cannot_write_it(void **state)
{
	char path[256];
	struct reader_options options = { .open_tree = open_and_try_to_write,
					  .context = path,
					  .readable = readable,
					  .local = true };
	struct reader *reader = NULL;
	struct err err = { 0 };

	if (geteuid() != 0) {
		print_message("needs root, skipped\n");
		skip();
	}
	snprintf(path, sizeof(path), "%s/disk.vhd", folder);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(reader_start(&options, &reader, &err), -EXDEV);
	assert_string_equal(err.text, "reads only");
	options.local = false;
	assert_int_equal(reader_start(&options, &reader, &err), -EACCES);
	assert_non_null(strstr(err.text, "could not open"));
	assert_int_equal(chmod(path, 0644), 0);
}

static void options_out_of_range_are_refused(void **state)
{
	struct reader_options options = local;
	struct reader *reader = NULL;
	struct err err = { 0 };

	options.slots = 65;
	assert_int_equal(reader_start(&options, &reader, &err), -EINVAL);
	assert_string_equal(err.text, "65 slots, at most 64");
	options.slots = 1;
	options.slot_size = 1000;
	assert_int_equal(reader_start(&options, &reader, &err), -EINVAL);
	assert_string_equal(err.text,
			    "slots of 1000 bytes, must be a multiple of 4096 up "
			    "to 67108864");
}

/* -- processes that lie ----------------------------------------------------------- */

/* What the process makes of the true answer; it gives the size of the message. */
struct lie {
	const char *text; /* of the error */
	size_t (*spoil)(struct reader_message *message, uint8_t *memory);
	enum reader_op op;
};

static const struct lie *current_lie;

static void send_true_or_false(int socket, struct reader_reply reply, uint8_t *memory)
{
	struct reader_message message = { .reply = reply };
	size_t size = sizeof(reply);

	if (current_lie && reply.op == current_lie->op)
		size = current_lie->spoil(&message, memory);
	if (send(socket, &message, size, MSG_NOSIGNAL) < 0)
		_exit(1);
}

/* Answers every request as a volume of VOLUME_SIZE bytes would. */
static void lying_main(const struct reader_process *start)
{
	size_t slot_size = start->options->slot_size;
	struct reader_reply first = { .op = READER_OPEN_TREE,
				      .slot = start->options->slots };
	struct reader_request request;
	struct reader_range range = { 0, VOLUME_SIZE, RANGE_DATA };

	alarm(20); /* a test that fails must not leave it behind */
	send_true_or_false(start->socket, first, NULL);
	while (recv(start->socket, &request, sizeof(request), 0) == sizeof(request)) {
		struct reader_reply reply = { .id = request.id,
					      .op = request.op,
					      .slot = request.slot };
		uint8_t *memory = start->memory + request.slot * slot_size;

		if (request.op == READER_OPEN_VOLUME)
			reply.value = VOLUME_SIZE;
		if (request.op == READER_READ)
			reply.length = request.length;
		if (request.op == READER_MAP) {
			reply.length = sizeof(range);
			memcpy(memory, &range, sizeof(range));
		}
		if (request.op == READER_CONTINUE)
			reply.op = READER_SCAN;
		send_true_or_false(start->socket, reply, memory);
	}
	_exit(0);
}

static size_t other_id(struct reader_message *message, uint8_t *memory)
{
	message->reply.id ^= 1;
	return sizeof(message->reply);
}

static size_t other_op(struct reader_message *message, uint8_t *memory)
{
	message->reply.op = READER_MAP;
	return sizeof(message->reply);
}

static size_t other_slot(struct reader_message *message, uint8_t *memory)
{
	message->reply.slot ^= 1;
	return sizeof(message->reply);
}

static size_t slot_outside(struct reader_message *message, uint8_t *memory)
{
	message->reply.slot = 2 + READER_PROCESSES;
	return sizeof(message->reply);
}

static size_t unknown_op(struct reader_message *message, uint8_t *memory)
{
	message->reply.op = READER_OP_COUNT;
	return sizeof(message->reply);
}

static size_t unknown_kind(struct reader_message *message, uint8_t *memory)
{
	message->reply.kind = READER_KIND_COUNT;
	return sizeof(message->reply);
}

static size_t part_of_nothing(struct reader_message *message, uint8_t *memory)
{
	message->reply.kind = READER_PART;
	return sizeof(message->reply);
}

static size_t reserved_used(struct reader_message *message, uint8_t *memory)
{
	message->reply.reserved = 1;
	return sizeof(message->reply);
}

static size_t positive_code(struct reader_message *message, uint8_t *memory)
{
	message->reply.code = 5;
	return sizeof(message->reply);
}

static size_t huge_code(struct reader_message *message, uint8_t *memory)
{
	message->reply.code = INT32_MIN;
	return sizeof(message->reply);
}

static size_t too_long(struct reader_message *message, uint8_t *memory)
{
	message->reply.length++;
	return sizeof(message->reply);
}

static size_t too_short(struct reader_message *message, uint8_t *memory)
{
	message->reply.length--;
	return sizeof(message->reply);
}

static size_t endless_error_text(struct reader_message *message, uint8_t *memory)
{
	message->reply.code = -EIO;
	message->reply.length = 1024;
	memset(memory, 'x', 1024);
	return sizeof(message->reply);
}

static size_t short_message(struct reader_message *message, uint8_t *memory)
{
	return sizeof(message->reply) - 1;
}

static size_t long_message(struct reader_message *message, uint8_t *memory)
{
	return sizeof(message->reply) + 1;
}

static size_t long_log(struct reader_message *message, uint8_t *memory)
{
	message->reply.kind = READER_LOG;
	message->reply.length = READER_LOG_SIZE + 1;
	return sizeof(*message);
}

static size_t no_volume(struct reader_message *message, uint8_t *memory)
{
	message->reply.value = 0;
	return sizeof(message->reply);
}

static size_t gap_in_map(struct reader_message *message, uint8_t *memory)
{
	memcpy(memory, &(struct reader_range){ 512, VOLUME_SIZE - 512, 0 },
	       sizeof(struct reader_range));
	return sizeof(message->reply);
}

static size_t map_beyond_volume(struct reader_message *message, uint8_t *memory)
{
	memcpy(memory, &(struct reader_range){ 0, VOLUME_SIZE + 1, 0 },
	       sizeof(struct reader_range));
	return sizeof(message->reply);
}

static size_t unknown_range_kind(struct reader_message *message, uint8_t *memory)
{
	memcpy(memory, &(struct reader_range){ 0, VOLUME_SIZE, 3 },
	       sizeof(struct reader_range));
	return sizeof(message->reply);
}

static size_t empty_map(struct reader_message *message, uint8_t *memory)
{
	message->reply.length = 0;
	return sizeof(message->reply);
}

static size_t endless_progress_text(struct reader_message *message, uint8_t *memory)
{
	memcpy(memory, &(struct reader_progress){ 1, 1, UINT32_MAX, UINT32_MAX },
	       sizeof(struct reader_progress));
	message->reply.kind = READER_PROGRESS;
	message->reply.length = sizeof(struct reader_progress);
	return sizeof(message->reply);
}

static size_t endless_json(struct reader_message *message, uint8_t *memory)
{
	memset(memory, ' ', SLOT_SIZE);
	message->reply.kind = READER_PART;
	message->reply.length = SLOT_SIZE;
	return sizeof(message->reply);
}

static size_t lost_json(struct reader_message *message, uint8_t *memory)
{
	message->reply.value = 1;
	return sizeof(message->reply);
}

#define IMPOSSIBLE "the reader process gave an impossible answer: "

static const struct lie lies[] = {
	{ IMPOSSIBLE "it belongs to another request", other_id, READER_READ },
	{ IMPOSSIBLE "it belongs to another request", other_op, READER_READ },
	{ IMPOSSIBLE "nothing was asked for in that slot", other_slot, READER_READ },
	{ IMPOSSIBLE "a field is out of range", slot_outside, READER_READ },
	{ IMPOSSIBLE "a field is out of range", unknown_op, READER_READ },
	{ IMPOSSIBLE "a field is out of range", unknown_kind, READER_READ },
	{ IMPOSSIBLE "its kind does not fit the request", part_of_nothing, READER_READ },
	{ IMPOSSIBLE "a field is out of range", reserved_used, READER_READ },
	{ IMPOSSIBLE "its code is not an error code", positive_code, READER_READ },
	{ IMPOSSIBLE "its code is not an error code", huge_code, READER_READ },
	{ IMPOSSIBLE "it is longer than what was asked for", too_long, READER_READ },
	{ IMPOSSIBLE "it is shorter than what was asked for", too_short, READER_READ },
	{ IMPOSSIBLE "it is longer than what was asked for", endless_error_text,
	  READER_READ },
	{ IMPOSSIBLE "a message of 39 bytes", short_message, READER_READ },
	{ IMPOSSIBLE "too long a message", long_message, READER_READ },
	{ IMPOSSIBLE "a line of the log of 1025 bytes", long_log, READER_READ },
	{ IMPOSSIBLE "a volume of 0 bytes", no_volume, READER_OPEN_VOLUME },
	{ IMPOSSIBLE "it is longer than what was asked for", too_long,
	  READER_OPEN_VOLUME },
	{ IMPOSSIBLE "ranges that are not adjacent from 0 on", gap_in_map, READER_MAP },
	{ IMPOSSIBLE "ranges that are not adjacent from 0 on", map_beyond_volume,
	  READER_MAP },
	{ IMPOSSIBLE "ranges that are not adjacent from 0 on", unknown_range_kind,
	  READER_MAP },
	{ IMPOSSIBLE "ranges that are not adjacent from 0 on", empty_map, READER_MAP },
	{ IMPOSSIBLE "progress of 24 bytes", endless_progress_text, READER_SCAN },
	{ IMPOSSIBLE "a description of more than 33554432 bytes", endless_json,
	  READER_SCAN },
	{ IMPOSSIBLE "a description of 1 bytes, got 0", lost_json, READER_SCAN },
};

/* Asks for everything in turn until something fails. */
static int use_all(struct reader *reader, struct err *err)
{
	struct backup *backup = NULL;
	struct volume_range range;
	struct reader_block block;
	unsigned volume = 0;
	uint64_t length;
	size_t count;
	int r;

	r = reader_open_volume(reader, &image, &volume, &length, err);
	if (r == 0)
		r = reader_map(reader, volume, 0, &range, 1, &count, err);
	if (r == 0)
		r = reader_submit(reader, volume, 0, 4096, err);
	if (r == 0)
		r = reader_wait(reader, 10000, &block, err);
	if (r == 0)
		r = reader_scan(reader, NULL, NULL, &backup, err);
	backup_free(backup);
	return r;
}

static void an_impossible_answer_ends_the_process(void **state)
{
	struct reader_options options = local;

	options.slots = 2;
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		AUTO(reader_freep) struct reader *reader = NULL;
		struct err err = { 0 };
		pid_t pid;

		current_lie = &lies[i];
		assert_int_equal(reader_start_main(&options, lying_main, &reader, &err),
				 0);
		pid = reader->links[0].pid;
		assert_int_equal(use_all(reader, &err), -EPROTO);
		assert_string_equal(err.text, lies[i].text);
		assert_int_equal(kill(pid, 0), -1);
		memset(&err, 0, sizeof(err));
		assert_int_equal(use_all(reader, &err), -EPROTO);
		assert_string_equal(err.text, lies[i].text);
	}
	current_lie = NULL;
}

static size_t terminal_text(struct reader_message *message, uint8_t *memory)
{
	message->reply.code = -EPIPE;
	message->reply.length = 8;
	memcpy(memory, "a\033[2J\nb\177", 8);
	return sizeof(message->reply);
}

static size_t log_before_answer(struct reader_message *message, uint8_t *memory)
{
	message->reply.kind = READER_LOG;
	message->reply.length = 5;
	memcpy(message->log, "hello", 5);
	return sizeof(message->reply) + 5;
}

static void the_text_of_an_error_cannot_drive_a_terminal(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct lie lie = { NULL, terminal_text, READER_READ };
	struct err err = { 0 };

	current_lie = &lie;
	assert_int_equal(reader_start_main(&local, lying_main, &reader, &err), 0);
	assert_int_equal(use_all(reader, &err), -EIO);
	assert_string_equal(err.text, "a?[2J?b?");
	current_lie = NULL;
}

static void lines_of_the_log_are_not_answers(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct lie lie = { NULL, log_before_answer, READER_READ };
	struct reader_block block;
	struct err err = { 0 };
	uint64_t length;
	unsigned volume;

	current_lie = &lie;
	assert_int_equal(reader_start_main(&local, lying_main, &reader, &err), 0);
	assert_int_equal(reader_open_volume(reader, &image, &volume, &length, &err), 0);
	submit(reader, volume, 0);
	assert_int_equal(reader_wait(reader, 50, &block, &err), -ETIMEDOUT);
	assert_int_equal(reader_in_flight(reader), 1);
	current_lie = NULL;
}

static void flooding_main(const struct reader_process *start)
{
	struct reader_reply first = { .op = READER_OPEN_TREE,
				      .slot = start->options->slots };
	struct reader_message line = { .reply = { .kind = READER_LOG, .length = 1 } };

	alarm(20);
	if (send(start->socket, &first, sizeof(first), 0) > 0)
		while (send(start->socket, &line, sizeof(first) + 1, MSG_NOSIGNAL) > 0)
			;
	_exit(0);
}

static void a_flood_of_log_lines_is_no_answer(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct reader_block block;
	struct err err = { 0 };

	assert_int_equal(reader_start_main(&local, flooding_main, &reader, &err), 0);
	reader->volumes[0] =
		(struct reader_volume){ .open = true, .length = VOLUME_SIZE };
	submit(reader, 0, 0);
	assert_int_equal(reader_wait(reader, 50, &block, &err), -ETIMEDOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_come_back_whole_with_all_slots_in_flight),
		cmocka_unit_test(a_held_slot_is_not_used_again),
		cmocka_unit_test(
			reads_outside_of_the_volume_are_refused_before_they_are_sent),
		cmocka_unit_test(one_failed_read_says_why_and_the_others_arrive),
		cmocka_unit_test(a_missing_image_is_named),
		cmocka_unit_test(open_volumes_are_bounded_and_can_be_closed),
		cmocka_unit_test(a_map_covers_the_volume),
		cmocka_unit_test(
			a_volume_can_be_read_as_a_source_while_blocks_are_in_flight),
		cmocka_unit_test(a_file_of_a_volume_without_file_system_is_an_error),
		cmocka_unit_test(a_file_of_the_tree_is_read_and_nothing_outside_of_it),
		cmocka_unit_test(a_scan_reports_and_hands_back_what_was_found),
		cmocka_unit_test(a_scan_can_be_cancelled_and_the_reader_goes_on),
		cmocka_unit_test(
			a_folder_that_cannot_be_opened_is_the_error_of_the_start),
		cmocka_unit_test(who_waits_for_a_silent_reader_is_asked_whether_to_go_on),
		cmocka_unit_test(a_killed_reader_is_told_with_the_signal),
		cmocka_unit_test(
			a_reader_that_ends_before_the_tree_is_open_is_told_with_its_status),
		cmocka_unit_test(
			the_reader_of_a_root_engine_is_nobody_with_one_capability),
		cmocka_unit_test(
			the_reader_of_a_root_engine_reads_what_is_roots_but_cannot_write_it),
		cmocka_unit_test(options_out_of_range_are_refused),
		cmocka_unit_test(an_impossible_answer_ends_the_process),
		cmocka_unit_test(the_text_of_an_error_cannot_drive_a_terminal),
		cmocka_unit_test(lines_of_the_log_are_not_answers),
		cmocka_unit_test(a_flood_of_log_lines_is_no_answer),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
