"""The `nissa` command: one subcommand a file."""
