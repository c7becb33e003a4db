"""Test kit for users: given/when/then, an in-memory engine, market days."""
