# Scenarios in QEMU and on the host. SCENARIO=NAME runs those whose name contains NAME.

pytest := PYTHONPYCACHEPREFIX=build/pycache $(HOSTPY) -m pytest -q -rs -o cache_dir=build/pytest \
	--durations=15 $(if $(SCENARIO),-k '$(SCENARIO)')

scenarios: all image  ## Restores on the host and in QEMU, damaged input; SCENARIO=NAME for some
	$(Q)$(pytest) qemu-tests

check-samples: programs  ## Real images decode to their known hashes; SAMPLES=DIR holds them
	$(Q)SAMPLES='$(SAMPLES)' $(pytest) qemu-tests/test_samples.py qemu-tests/test_layouts.py

long-scenarios: all image
	$(Q)$(MAKE) --no-print-directory -s ARCH=arm64 all image
	$(Q)BOOT_ALL=1 $(pytest) qemu-tests/test_boot.py qemu-tests/test_boot_missing.py qemu-tests/test_arm64.py qemu-tests/test_netboot.py \
		qemu-tests/test_hardware.py qemu-tests/test_install.py qemu-tests/test_faults_in_qemu.py qemu-tests/test_power_cut.py \
		qemu-tests/test_restore_qemu.py qemu-tests/test_sources.py qemu-tests/test_ssh.py \
		qemu-tests/test_usb_disks.py

soak:  ## Longer runs: a million power cuts, fuzzing, every way to start, random machines; MINUTES=30
	$(Q).ci/soak $(MINUTES)

demo: deps  ## A restore from a share in a virtual machine, shown step by step (needs root)
	$(Q)$(MAKE) --no-print-directory -s all image
	$(Q)PYTHONPYCACHEPREFIX=build/pycache $(HOSTPY) qemu-tests/demo.py

tour: all image  ## Screenshots of the menu in a virtual machine anew: qemu-tests/screens/tour
	$(Q)PYTHONPYCACHEPREFIX=build/pycache $(HOSTPY) qemu-tests/tour.py

.PHONY: scenarios check-samples long-scenarios soak demo tour

bench: all image  ## Numbers beside qemu-img, smbclient and the goals
	$(Q)PYTHONPYCACHEPREFIX=build/pycache $(HOSTPY) qemu-tests/bench.py
