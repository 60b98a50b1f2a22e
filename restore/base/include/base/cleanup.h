/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cleanup by attribute. A variable is initialised in its declaration; what is handed on to
 * a caller is taken out with TAKE_PTR or TAKE_FD. Data that was written is closed explicitly
 * and checked: AUTO_CLOSE is for error paths and read-only descriptors.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define AUTO_FREE __attribute__((cleanup(cleanup_free)))
#define AUTO_CLOSE __attribute__((cleanup(cleanup_close)))
#define AUTO_FCLOSE __attribute__((cleanup(cleanup_fclose)))

/* AUTO(x_freep): calls x_freep(&variable) at the end of the scope. */
#define AUTO(function) __attribute__((cleanup(function)))

/* Defines NAME_freep() for AUTO() from a function that takes the pointer. */
#define DEFINE_FREEP(type, name, function)                                                    \
	static inline void name##_freep(type **p)                                             \
	{                                                                                     \
		if (*p)                                                                       \
			function(*p);                                                         \
	}

#define TAKE_PTR(p)                                                                           \
	({                                                                                    \
		__typeof__(p) taken_ = (p);                                                   \
		(p) = NULL;                                                                   \
		taken_;                                                                       \
	})
#define TAKE_FD(fd)                                                                           \
	({                                                                                    \
		int taken_ = (fd);                                                            \
		(fd) = -1;                                                                    \
		taken_;                                                                       \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
