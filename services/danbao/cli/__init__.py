"""The command line: one file a command, every one with an example."""
