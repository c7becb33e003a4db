"""Escrow: money held between two parties."""
