/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What runs as a child of PID 1 and how it ends: the exit status tells PID 1 what to do
 * next. One restore runs at a time: whoever holds the lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/err.h>

#include "cmdline.h"
#include "report.h"

#define ANSWER_PATH "/openbmr/openbmr.ini"
/* From a server: efi/handover.h. It must be signed, or somebody at the console says so. */
#define NETWORK_ANSWER_PATH "/openbmr/network/openbmr.ini"
#define ANSWER_KEY_PATH	    "/etc/openbmr/answer.pub"	 /* bmr-image --answer-key */
#define CA_PATH		    "/etc/openbmr/ca.pem"	 /* bmr-image --ca */
#define LANGUAGE_PATH	    "/etc/openbmr/language"	 /* bmr-image --language */
#define TRUST_NETWORK_PATH  "/etc/openbmr/trust-network" /* bmr-image --trust-network */
#define RESULT_PATH	    "/run/openbmr/result" /* a line about the last restore */
#define TAIL_LINES	    10

/* Exit statuses of the children of PID 1; any other one is an accident. */
enum session_end {
	SESSION_MENU = 100, /* the dialogue starts at its menu */
	SESSION_RESULT,	    /* at the result of what ran last */
	SESSION_SHELL,	    /* in a shell */
	SESSION_REBOOT,
	SESSION_POWER_OFF,
};

/* Where the answer file is that counts; NULL: there is none. That of the boot medium comes
 * before that of a server. */
const char *answer_path(void);

/* Does it come from a server that is not trusted? */
bool answer_needs_trust(void);

/* "openbmr VERSION: bare-metal recovery" */
const char *session_banner(void);

/* Of whoever restores; bmr menu takes it, too. */
#define LOCK_PATH "/run/openbmr/restore.lock"

bool restore_is_running(void);

/* Waits for devices and runs bmr auto, which looks for the answer file; the output goes to the
 * outputs and the log, the result to RESULT_PATH. confirmed: somebody has read the one that came
 * from a server, so that it needs no signature. How to go on is what the answer file says of
 * success and failure, else SESSION_RESULT. */
enum session_end restore_automatically(const int *outputs, size_t count, bool confirmed);

/* Was an answer file handed over to be followed, or may one be elsewhere: does the kernel's command
 * line or the machine's SMBIOS speak of one? */
bool automatic_is_wanted(const struct cmdline *cmdline);

/* The same at the start of the machine, on all consoles, unless a key is pressed within 3
 * s (SESSION_MENU), or none is found where one was to be searched for. */
enum session_end automatic_start(const struct cmdline *cmdline);

/* The dialogue on this process's terminal: first bmr's menu, and where that ends, fails or cannot
 * be shown, single keys. SESSION_MENU: the terminal is gone. */
enum session_end dialogue_run(enum session_end start);

/* bmr-image --ssh-keys: then whoever has such a key sees the same terminal by ssh. */
#define SSH_KEYS_PATH "/root/.ssh/authorized_keys"
#define SSH_PATH      "/run/openbmr/ssh" /* a line for people: the host key's fingerprint */
#define RELAY_PATH    "/run/openbmr/relay.sock"

/* Makes a host key, brings the network up and becomes the ssh server. Returns on failure only. */
int ssh_run(struct err *err) MUST_CHECK;

/* What a login by ssh runs: this process's terminal becomes one of the relay's. Exit status. */
int attach_run(void);

/* One terminal of 80 × 24 for all consoles: what the dialogue shows is seen on each of them, and
 * each of them can answer. A console that takes nothing is left behind and caught up later. Ends
 * with the dialogue. */
enum session_end relay_run(const struct cmdline *cmdline, enum session_end start);
