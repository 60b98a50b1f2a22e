partition_sources :=
partition_tests   :=
