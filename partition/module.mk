partition_sources := $(addprefix partition/, \
	layout.c table-gpt.c table-mbr.c table-read.c table-write.c)
partition_tests := $(addprefix partition/tests/, \
	test-layout.c test-table-read.c test-table-write.c)
