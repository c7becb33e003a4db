"""Kernel: the only folder that knows Kafka, Postgres and the clock."""
