"""Verification: the log recomputed from its first event, and proofs of parts of it."""
