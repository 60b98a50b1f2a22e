/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * INF files of Windows' drivers, as far as it takes to start a storage driver at boot: one
 * kernel service from one file, plain parameters, device ids. What an INF wants beyond that is
 * for Windows' own setup: such an INF is refused, with the reason. Pure.
 *
 * Source: Microsoft's documentation of INF sections and directives.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

#define INF_MAX_SIZE (1u << 20)
#define INF_IDS	     16
#define INF_VALUES   24
#define INF_NAME     64

enum inf_machine { INF_X86 = 0x014c, INF_AMD64 = 0x8664, INF_ARM64 = 0xaa64 };

/* A number below the service's key. */
struct inf_value {
	char key[96]; /* "Parameters\PnpInterface" */
	char name[INF_NAME];
	uint32_t number;
};

struct inf_driver {
	char service[INF_NAME]; /* "vioscsi" */
	char file[INF_NAME];	/* "vioscsi.sys", beside the INF */
	char group[INF_NAME];	/* LoadOrderGroup */
	uint32_t error_control;
	char class_id[40]; /* "{4D36E97B-E325-11CE-BFC1-08002BE10318}" */
	size_t id_count;
	char ids[INF_IDS][72]; /* "PCI/VEN_1AF4&DEV_1048", as controller.h has them */
	size_t value_count;
	struct inf_value values[INF_VALUES];
};

/* name is for messages. -ENOTSUP: it wants more than this; -EBADMSG: no INF. */
int inf_read(const void *bytes, size_t length, const char *name, enum inf_machine machine,
	     struct inf_driver *ret, struct err *err) MUST_CHECK;

/* Of a driver's file: for which machine, and does it carry a signature? -EBADMSG: no PE. */
int pe_look(const void *bytes, size_t length, const char *name, enum inf_machine *ret,
	    bool *ret_signed, struct err *err) MUST_CHECK;
