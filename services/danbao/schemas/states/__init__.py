"""State machines as they are: found by running the deciders, then drawn and tabled."""
