"""Read models: pure functions from events to rows, with their SQL beside them."""
