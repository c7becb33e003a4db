"""The benchmark: what the engine does in a second here, and what each part of it costs."""
