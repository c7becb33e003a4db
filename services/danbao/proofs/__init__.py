"""Proofs about the log: Merkle tree, signed checkpoints, and what a stranger can check (pure)."""
