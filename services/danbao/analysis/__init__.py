"""Questions about the log and its books, as of any position or time; it reads and never writes."""
