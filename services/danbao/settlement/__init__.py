"""Settlement: money leaves, in windows and payouts."""
