bmr_sources := # main.c joins with the first command
bmr_main    := restore/cli/main.c
bmr_tests   :=
