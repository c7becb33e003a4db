"""Signing the log: keys, checkpoints in three places, and proofs that are made from them."""
