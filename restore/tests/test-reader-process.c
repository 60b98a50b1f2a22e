/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reader process as a process: how it starts and ends, and what it may do. */
#include "reader-fixture.h"

#include <arpa/inet.h>
#include <sched.h>
#include <sys/wait.h>

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

/* -- reaching out --------------------------------------------------------------------- */

/* What a process tries that was taken over by what it read. */
struct outside {
	struct sockaddr_in host; /* answers to those who can reach it */
	const char *disk;	 /* NULL: this machine has none */
};

static bool can_connect(const struct sockaddr_in *host)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM, 0);

	return connect(fd, (const struct sockaddr *)host, sizeof(*host)) == 0;
}

static bool can_send(const struct sockaddr_in *host)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return sendto(fd, "", 1, 0, (const struct sockaddr *)host, sizeof(*host)) == 1;
}

static bool can_open(const char *path, int flags)
{
	AUTO_CLOSE int fd = open(path, flags);

	return fd >= 0;
}

static int try_to_reach_out(void *context, struct tree **ret, struct err *err)
{
	const struct outside *outside = context;

	if (can_connect(&outside->host))
		return err_set(err, -EFAULT, "could connect to another host");
	if (can_send(&outside->host))
		return err_set(err, -EFAULT, "could send to another host");
	if (outside->disk &&
	    (can_open(outside->disk, O_RDONLY) || can_open(outside->disk, O_RDWR)))
		return err_set(err, -EFAULT, "could open '%s'", outside->disk);
	if (can_open("/etc/passwd", O_RDWR) || can_open("/tmp", O_RDONLY | O_DIRECTORY))
		return err_set(err, -EFAULT, "could open files");
	execl("/proc/self/exe", "self", NULL);
	return err_set(err, -EXDEV, "reached nothing: %s", strerrordesc_np(errno));
}

/* Of this machine; which may be another one's for those who left its network. */
static int listen_here(struct sockaddr_in *ret)
{
	socklen_t size = sizeof(*ret);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*ret = (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(bind(fd, (struct sockaddr *)ret, size), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)ret, &size), 0);
	return fd;
}

static bool namespaces_work(void)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(unshare(CLONE_NEWNET) == 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status == 0;
}

/* OTHER_HOST=ADDRESS:PORT names one that is really another, OTHER_DISK a disk. */
static void the_reader_of_a_root_engine_reaches_no_host_disk_file_or_program(void **state)
{
	struct outside outside = { .disk = getenv("OTHER_DISK") };
	struct reader_options options = { .open_tree = try_to_reach_out,
					  .context = &outside };
	AUTO_CLOSE int listener = listen_here(&outside.host);
	const char *host = getenv("OTHER_HOST");
	char address[INET_ADDRSTRLEN] = "";
	struct reader *reader = NULL;
	struct err err = { 0 };
	unsigned short port;

	if (geteuid() != 0 || !namespaces_work()) {
		print_message("needs root and namespaces, skipped\n");
		skip();
	}
	if (host) {
		assert_int_equal(sscanf(host, "%15[0-9.]:%hu", address, &port), 2);
		assert_int_equal(inet_pton(AF_INET, address, &outside.host.sin_addr), 1);
		outside.host.sin_port = htons(port);
	}
	assert_true(can_connect(&outside.host) && can_send(&outside.host));
	assert_true(!outside.disk || can_open(outside.disk, O_RDWR));
	assert_true(reader_start(&options, &reader, &err) < 0);
	assert_string_equal(err.text, "reached nothing: Permission denied");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		cmocka_unit_test(
			the_reader_of_a_root_engine_reaches_no_host_disk_file_or_program),
		cmocka_unit_test(options_out_of_range_are_refused),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
