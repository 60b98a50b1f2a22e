bmr-image_sources := $(addprefix image-builder/, \
	main.c build.c architecture.c collect.c manifest.c root-tree.c sysroot.c elf-file.c libraries.c \
	modules.c module-pattern.c module-index.c cpio.c compress.c extras.c efi-file.c fat.c \
	disk-image.c bios-start.c iso-image.c media.c stick.c device.c install.c sign.c digest.c sbom.c \
	padded-file.c package-hint.c)
bmr-image_main  := image-builder/main.c
bmr-image_tests := $(addprefix image-builder/tests/, \
	test-manifest.c test-root-tree.c test-cpio.c test-libraries.c test-modules.c \
	test-efi-file.c test-disk-image.c test-bios-start.c test-sbom.c test-device.c test-install.c)
