# The boot application. Pure files understand bytes and also build on the host, where the
# tests run; the others call the firmware.
efi_pure    := $(addprefix efi/, text.c err.c pe.c payload.c cpio.c device-path.c handover.c menu.c \
	machine-ids.c net-place.c boot-url.c load-options.c)
efi_sources := $(efi_pure) $(addprefix efi/, libc.c firmware.c console.c medium.c linux.c \
	local-disk.c http.c network.c answer.c facts.c main.c)
efi_tests   := $(addprefix efi/tests/, test-text.c test-libc.c test-pe.c test-payload.c \
	test-cpio.c test-device-path.c test-handover.c test-menu.c test-machine-ids.c \
	test-net-place.c test-boot-url.c test-load-options.c)
efi_fuzz    := efi/fuzz/fuzz-boot-url.c

# Stands in for Windows' boot manager in the tests; shares nothing with the above.
marker_sources := qemu-tests/marker/marker.c
