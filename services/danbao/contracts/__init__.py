"""Contracts: what crosses a process border, and the shape of all domain code."""
