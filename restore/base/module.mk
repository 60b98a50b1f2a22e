base_sources := $(addprefix restore/base/, \
	err.c guid.c utf.c crc32c.c log.c spawn.c block-source.c source-file.c source-memory.c \
	source-slice.c source-fault.c block-target.c target-file.c target-memory.c \
	target-fault.c overlay.c tree.c tree-local.c)
base_tests :=
