net_sources :=
net_tests   :=
