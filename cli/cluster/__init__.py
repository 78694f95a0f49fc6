"""`nissa cluster`: the runs of many machines, worked off by one job on Apache Flink."""
