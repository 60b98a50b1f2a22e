/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The relay's start and what the other processes ask it: see net/smb-relay.h. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "smb-relay-process.h"
#include "smb-url.h"

#define CONNECT_TIMEOUT_MS                                                               \
	10000 /* for a host that does not answer: three SYNs are lost */

struct smb_relay {
	int control; /* to the relay */
	unsigned port;
	struct relay_report *report; /* shared with the relay, which alone writes it */
};

const char *smb_protection_text(enum smb_protection protection)
{
	static const char *const texts[] = {
		[SMB_PROTECTION_NONE] = "neither encrypted nor signed",
		[SMB_PROTECTION_SIGNED] = "signed",
		[SMB_PROTECTION_ENCRYPTED] = "encrypted",
	};

	return texts[protection];
}

/* The relay's side of the start: says in one message how it went. */
static __attribute__((noreturn)) void run(const struct smb_location *location,
					  struct relay_process *relay)
{
	struct err err = { 0 };
	int r;

	relay_isolate(&relay->control);
	if (relay->login) /* a copy of this process' own: nobody else's changes */
		credentials_clear((struct credentials *)relay->login);
	r = relay_drop_rights(&err);
	if (r == 0)
		r = host_resolve(location->host,
				 location->port ? location->port : SMB_PORT, &relay->host,
				 &err);
	if (r == 0)
		r = host_probe(&relay->host, CONNECT_TIMEOUT_MS, &err);
	err.code = r;
	if (send(relay->control, &err, sizeof(err), MSG_NOSIGNAL) != sizeof(err) || r < 0)
		_exit(1);
	relay_serve(relay);
}

/* Two forks: the relay follows the reader's end, and leaves no child that somebody must wait
 * for. */
static int fork_relay(const struct smb_location *location, struct relay_process *relay,
		      struct err *err)
{
	pid_t pid = fork();

	if (pid < 0)
		return err_errno(err, errno, "starting the relay process");
	if (pid == 0) {
		if (fork() == 0)
			run(location, relay);
		_exit(0);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static int wait_until_ready(int control, struct err *err)
{
	struct err answer = { 0 };
	ssize_t n;

	do
		n = recv(control, &answer, sizeof(answer), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(answer))
		return err_set(err, -EPIPE, "the relay process ended before it answered");
	answer.text[sizeof(answer.text) - 1] = '\0';
	if (answer.code < 0)
		return err_set(err, answer.code, "%s", answer.text);
	return 0;
}

int smb_relay_new(struct smb_relay **ret, struct err *err)
{
	AUTO(smb_relay_freep) struct smb_relay *relay = calloc(1, sizeof(*relay));
	void *report;

	if (!relay)
		return err_nomem(err);
	relay->control = -1;
	report = mmap(NULL, sizeof(*relay->report), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED)
		return err_nomem(err);
	relay->report = report;
	*ret = TAKE_PTR(relay);
	return 0;
}

/* What it said of its connections is no answer of the next one's server. What protected them stays:
 * the least of all counts. */
static void forget_last_relay(struct smb_relay *relay)
{
	if (relay->control >= 0)
		close(relay->control);
	relay->control = -1;
	atomic_store(&relay->report->cut, false);
	atomic_store(&relay->report->login_ns, 0);
	for (unsigned i = 0; i < SMB_MATTERS; i++)
		atomic_store(&relay->report->failed[i], 0);
}

int smb_relay_connect(struct smb_relay *relay, const struct smb_location *location,
		      bool require_encryption, const struct credentials *login,
		      struct err *err)
{
	struct relay_process process = { .require_encryption = require_encryption,
					 .login = login,
					 .report = relay->report };
	int sockets[2], r;

	forget_last_relay(relay);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return err_errno(err, errno, "a socket for the relay process");
	relay->control = sockets[0];
	process.control = sockets[1];
	r = fork_relay(location, &process, err);
	close(sockets[1]);
	return r < 0 ? r : wait_until_ready(relay->control, err);
}

int smb_relay_start(const struct smb_location *location, bool require_encryption,
		    const struct credentials *login, struct smb_relay **ret,
		    struct err *err)
{
	AUTO(smb_relay_freep) struct smb_relay *relay = NULL;
	int r = smb_relay_new(&relay, err);

	if (r == 0)
		r = smb_relay_connect(relay, location, require_encryption, login, err);
	if (r == 0)
		*ret = TAKE_PTR(relay);
	return r;
}

/* A new network namespace has one device, and that is down. Elsewhere it is up already. */
static void raise_loopback(int socket)
{
	struct ifreq request = { .ifr_name = "lo" };

	if (ioctl(socket, SIOCGIFFLAGS, &request) < 0 || (request.ifr_flags & IFF_UP))
		return;
	request.ifr_flags |= IFF_UP;
	ioctl(socket, SIOCSIFFLAGS, &request);
}

static int open_listener(unsigned *ret_port, int *ret_fd, struct err *err)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);

	if (fd >= 0)
		raise_loopback(fd);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, RELAY_CONNECTIONS) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return err_errno(err, errno, "a port of 127.0.0.1 for the relay");
	*ret_port = ntohs(address.sin_port);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int smb_relay_listen(struct smb_relay *relay, struct err *err)
{
	AUTO_CLOSE int self = pidfd_open(getpid(), 0);
	AUTO_CLOSE int listener = -1;
	int r = open_listener(&relay->port, &listener, err);

	if (r < 0)
		return r;
	if (self < 0)
		return err_errno(err, errno, "a descriptor of the reader process");
	return relay_send_descriptors(relay->control, listener, self, err);
}

unsigned smb_relay_port(const struct smb_relay *relay)
{
	return relay->port;
}

bool smb_relay_verdict(const struct smb_relay *relay, struct err *err)
{
	if (!atomic_load(&relay->report->cut))
		return false;
	err_set(err, -EPROTO, "%.*s", (int)sizeof(relay->report->text) - 1,
		relay->report->text);
	return true;
}

uint32_t smb_relay_refusal(const struct smb_relay *relay, enum smb_matter matter)
{
	return atomic_load(&relay->report->failed[matter]);
}

int64_t smb_relay_login_ns(const struct smb_relay *relay)
{
	return atomic_load(&relay->report->login_ns);
}

enum smb_protection smb_relay_protection(const struct smb_relay *relay)
{
	if (atomic_load(&relay->report->seen_clear))
		return SMB_PROTECTION_SIGNED;
	if (atomic_load(&relay->report->seen_encrypted))
		return SMB_PROTECTION_ENCRYPTED;
	return SMB_PROTECTION_NONE;
}

void smb_relay_free(struct smb_relay *relay)
{
	if (!relay)
		return;
	if (relay->control >= 0)
		close(relay->control);
	if (relay->report)
		munmap(relay->report, sizeof(*relay->report));
	free(relay);
}
