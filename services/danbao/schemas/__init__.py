"""Schemas: what other programs read about us, made from the code and never edited by hand."""
