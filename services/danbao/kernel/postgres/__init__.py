"""The store's side of the ports: one connection, one transaction a batch."""
