"""Read models as products: rebuilt, compared, checked against the log, built as of a moment."""
