"""Risk: assessments, rules and lists."""
