# The crash harness: the engine, with seeded bugs that a number switches on, on a disk that loses
# what was not flushed.

# The harness' disk serves ordinary unit tests, too.
$(addprefix $(out)/restore/tests/, test-redo test-state-fat): restore/tests/crash/crash-disk.c

crash_sources := $(addprefix restore/tests/crash/, crash-cuts.c crash-disk.c \
	crash-errors.c crash-harness.c crash-judge.c crash-reader.c crash-scene.c)
crash_wraps   := layout_compose fixups_apply fixups_run getrandom malloc calloc realloc \
	reallocarray strdup posix_memalign vasprintf
crash_seeded  := $(out)/seeded
crash_flags   := -Irestore -Irestore/engine -Irestore/tests/crash -I$(crash_seeded) \
	$(call headers_of,restore partition base) $(call pkg_cflags,$(restore_packages))
CRASH_POINTS  ?= 20000

$(crash_seeded)/seeded-bugs.h: restore/tests/crash/seed-bugs.py $(wildcard restore/engine/*.c)
	$(Q)$(HOSTPY) $< $(@D)

$(out)/crash-harness: $(crash_seeded)/seeded-bugs.h $(crash_sources) \
		$(wildcard restore/tests/crash/*.h restore/engine/*.h) $(call closure_of,restore partition base)
	$(if $(V),,@echo "  TEST    $@")
	$(Q)$(CC) $(compile_flags) $(crash_flags) $(link_flags) \
		$(foreach w,$(crash_wraps),-Wl,--wrap=$(w)) -o $@ $(crash_sources) $(crash_seeded)/*.c \
		$(call closure_of,restore partition base) $(call static_of,restore) \
		$(call pkg_libs,$(call packages_of,restore partition base))

crash: $(out)/crash-harness  ## Cut the power at every operation of a restore, and resume it
	$(Q)$(out)/crash-harness $(CRASH_POINTS)

# Seeded bugs survive the ordinary tests of what they are in.
crash_tests := $(foreach t,restore gate journal,$(out)/seeded-test-$(t))

$(crash_tests): $(out)/seeded-test-%: restore/tests/test-%.c restore/tests/crash/seeded-switch.c \
		$(crash_seeded)/seeded-bugs.h $(call closure_of,restore partition base)
	$(Q)$(CC) $(compile_flags) $(crash_flags) -Irestore/tests $(link_flags) -o $@ $< \
		restore/tests/crash/seeded-switch.c $(crash_seeded)/*.c \
		$(call closure_of,restore partition base) $(call static_of,restore) -lcmocka \
		$(call pkg_libs,$(call packages_of,restore partition base))

crash-survivors: $(crash_tests)
	$(Q)restore/tests/crash/survivors $$(grep -c '^	{' $(crash_seeded)/seeded-bugs.h) $(crash_tests)

.PHONY: crash crash-survivors
