"""Posting rules: which money an event moves; one file per stream, pure (domain 3.3)."""
