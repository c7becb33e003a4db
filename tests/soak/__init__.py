"""The soak: half of the top speed for a quarter of an hour, and a random fault every 30 seconds.

`make soak MINUTES=15 FAULT_SEED=7`; ends with 0 when everything is equal to its expectation, the
auditor has nothing to say and no process has grown.  The seed decides faults, victims and moments.
"""
