"""Commands that read recorded runs: as tables, events, traces, a page, in SQL, as a data set, for Prometheus, side by
side, or to train one again."""
