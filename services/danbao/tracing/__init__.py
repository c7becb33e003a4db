"""Traces for OpenTelemetry: spans made from batches after their commit; off by default."""
