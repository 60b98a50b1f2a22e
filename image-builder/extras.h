/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one site wants in its initramfs beside the manifest's. */
#pragma once

#include "root-tree.h"

struct sysroot;

struct extras {
	const char *answer_key; /* public Ed25519 key (PEM) of answer files, or NULL */
	const char *ca;		/* certificates (PEM) of https servers' authorities, or NULL */
	const char *drivers;	/* folder of .ko and .deb, or NULL */
	const char *keyboard;	/* layout as X names it ("de", "fr"), or NULL: us */
	const char *language;	/* of the menu, "en" or "de", or NULL: en */
	const char *ssh_keys;	/* public keys of those who may come in by ssh, or NULL: nobody */
	const char *scratch;	/* a file, removed in the end */
	const struct sysroot *sysroot;
	bool trust_network;	/* answer files of a server need no signature */
};

/* -EINVAL: a key is of another kind, or there is no such layout or language; -ENOENT: no driver in the folder. */
int extras_add(const struct extras *extras, struct root_tree *tree,
	       struct err *err) MUST_CHECK;
