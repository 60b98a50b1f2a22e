init_sources :=
init_tests   :=
