partition_sources := $(addprefix partition/, \
	boot-medium.c disk-content.c disk-find.c disk-guard.c disk-identity.c disks.c mounts.c probe.c sysfs.c \
	layout-fit.c layout.c table-gpt.c table-mbr.c table-read.c table-write.c)
partition_tests := $(addprefix partition/tests/, \
	test-disk-find.c test-disk-guard.c test-disks.c test-layout-fit.c test-layout.c \
	test-table-read.c test-table-read-mbr.c test-table-write.c test-table-write-mbr.c)
partition_fuzz := partition/fuzz/fuzz-table.c
