"""danbao beside its peers, in one run: what each manages here, and what it does not do.

`make bench-peers`.  The peers are what people would use instead: SQL written by hand, a Python
library for event sourcing, and a service on Kafka that keeps no promise at all.  All share one
Postgres (the engine's own server and settings, another database) and one Kafka, and take turns.
"""
