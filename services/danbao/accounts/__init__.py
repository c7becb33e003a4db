"""Accounts: customers, merchants, their wallets and top-ups."""
