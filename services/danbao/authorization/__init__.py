"""Authorization: may this payment happen, and for how much."""
