"""What if: history decided again with other policies, each decision on what it knew then."""
