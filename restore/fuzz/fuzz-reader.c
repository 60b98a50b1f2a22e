/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a reader process that was taken over could send to the engine: the input is a number
 * of messages, each a length byte and its bytes, and then what lies in the shared memory.
 */
#include <string.h>
#include <sys/socket.h>

#include "fuzz/fuzz.h"
#include "reader/reader-internal.h"

#define SLOTS	 2
#define SLOT	 4096u
#define MESSAGES 16

struct fake {
	struct reader reader;
	struct reader_slot slots[SLOTS + READER_PROCESSES];
	uint8_t memory[(SLOTS + READER_PROCESSES) * SLOT];
	int process; /* its end of the socket */
};

/* All messages at once, and the end behind them: the engine's calls then never wait. */
static void fill(struct fake *fake, const uint8_t *bytes, size_t length)
{
	unsigned count = length ? *bytes % MESSAGES : 0;

	if (length) {
		bytes++;
		length--;
	}
	for (; count && length; count--) {
		size_t part = *bytes < length - 1 ? *bytes : length - 1;

		if (part)
			(void)!send(fake->process, bytes + 1, part,
				    MSG_NOSIGNAL | MSG_DONTWAIT);
		bytes += part + 1;
		length -= part + 1;
	}
	if (length)
		memcpy(fake->memory, bytes,
		       length < sizeof(fake->memory) ? length : sizeof(fake->memory));
	shutdown(fake->process, SHUT_WR);
}

static void use_volume(struct reader *reader, unsigned volume)
{
	struct volume_range ranges[8];
	struct reader_block block = { 0 };
	AUTO_FREE uint8_t *bytes = NULL;
	struct err err = { 0 };
	size_t count = 0;

	if (reader_submit(reader, volume, 0, 512, &err) == 0 &&
	    reader_wait(reader, 1000, &block, &err) == 0) {
		fuzz_require(block.length == 512 && block.slot < SLOTS,
			     "an impossible block");
		reader_release(reader, block.slot);
	}
	if (reader_map(reader, volume, 0, ranges, ARRAY_SIZE(ranges), &count, &err) == 0)
		fuzz_require(count <= ARRAY_SIZE(ranges),
			     "more ranges than there is room");
	(void)!reader_read_file(reader, volume, "File.bin", &bytes, &count, &err);
	(void)!reader_close_volume(reader, volume, &err);
}

static void use(struct reader *reader)
{
	AUTO(backup_freep) struct backup *backup = NULL;
	char path[] = "C.vhdx";
	struct err err = { 0 };
	uint64_t length = 0;
	unsigned volume = 0;

	if (reader_open_volume(reader, &(struct backup_volume){ .image_path = path },
			       &volume, &length, &err) == 0)
		use_volume(reader, volume);
	(void)!reader_scan(reader, NULL, NULL, &backup, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct fake fake;
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return 0;
	memset(&fake, 0, sizeof(fake));
	fake.process = sockets[1];
	fake.reader = (struct reader){ .links = { { .pid = -1,
						    .pidfd = -1,
						    .socket = sockets[0],
						    .ready = true } },
				       .processes = 1,
				       .engine = getpid(),
				       .patience_ms = 1000,
				       .memory = fake.memory,
				       .slots = SLOTS,
				       .slot_size = SLOT,
				       .request_slots = 1,
				       .slot = fake.slots };
	for (unsigned i = 1; i < READER_PROCESSES; i++)
		fake.reader.links[i] = (struct reader_link){ .pidfd = -1, .socket = -1 };
	fill(&fake, bytes, length);
	use(&fake.reader);
	for (unsigned i = 0; i < READER_MAX_VOLUMES; i++) {
		free(fake.reader.volumes[i].name);
		free(fake.reader.volumes[i].payload);
	}
	close(sockets[0]);
	close(sockets[1]);
	return 0;
}
