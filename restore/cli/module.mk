bmr_sources :=
bmr_main    := restore/cli/main.c
bmr_tests   :=

bmr_sources += restore/cli/main.c
bmr_sources += restore/cli/cmd-image.c
bmr_sources += restore/cli/cmd-net.c
bmr_sources += restore/cli/boot-medium.c
bmr_sources += restore/cli/cmd-disks.c
