"""The ports in memory: shipped for tests, and what the simulator runs on."""
