init_sources := $(addprefix initramfs/, \
	init.c setup.c cmdline.c spcr.c ssh.c uevent.c coldplug.c console.c menu.c job.c report.c session.c wholeness.c \
	dialogue.c relay.c)
init_main  := initramfs/init.c
init_tests := $(addprefix initramfs/tests/, \
	test-cmdline.c test-uevent.c test-menu.c test-report.c test-job.c test-spcr.c test-wholeness.c)
