/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A share on its way into the reader process: address, login, relay. */
#pragma once

#include <net/smb-relay.h>

#include "source.h"

struct share {
	struct smb_location location;
	struct credentials credentials;
	bool require_encryption;
	struct smb_relay *relay;
};

/* A password in a core file or a debugger would outlive us. */
int source_keep_secrets(struct err *err) MUST_CHECK;

/* The login of options, for a location that is there already. From then on this process dumps no
 * core and cannot be traced. */
int share_log_in(const struct source_options *options, struct share *share,
		 struct err *err) MUST_CHECK;

/* The relay, without its process; and with it. */
int share_make_relay(const struct source_options *options, struct share *share,
		     struct err *err) MUST_CHECK;
int share_start_relay(const struct source_options *options, struct share *share,
		      struct err *err) MUST_CHECK;

/* For struct reader_options, with the share as context. Each reader has a relay process of its own:
 * names are looked up again then, and addresses may be others. */
int share_connect(void *context, struct err *err) MUST_CHECK;
int share_listen(void *context, struct err *err) MUST_CHECK;
int share_open(void *context, struct tree **ret, struct err *err) MUST_CHECK;

/* Wipes the password. */
void share_clear(struct share *share);

/* What is done with the open share in the reader's jail, where context is a copy as it was
 * before: what the caller is to see it writes into memory that both share. */
typedef int share_visitor(struct tree *tree, void *context, struct err *err);

/* A reader process that opens the share, calls visit, and ends. */
int share_visit(struct share *share, share_visitor *visit, void *context,
		struct err *err) MUST_CHECK;

/* Memory of size bytes, zeros, that this process shares with those that it forks. NULL: none. */
void *share_memory(size_t size);
void share_memory_free(void *memory, size_t size);
