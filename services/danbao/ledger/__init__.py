"""Ledger: double entry; every event carries its postings."""
