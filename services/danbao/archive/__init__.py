"""The log as Parquet files, for tools that read columns: written once, day by day, and verified."""
