"""Migrations: forward only; `pre` runs before the new code, `post` after the old has gone."""
