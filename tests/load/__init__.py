"""Long logs for measurements: whole market days, played in memory and appended as they are.

`python -m tests.load --dsn DSN --events 1000000` fills the log of a migrated database: one day of
the calendar for each simulated day, every row hashed as the engine hashes it, with inbox, states,
facts and guarded balances; `--project` lets the projector make the read models, too.

`python -m tests.load.measure --dsn DSN` says how fast ledger, archive and read models are on it.
"""
