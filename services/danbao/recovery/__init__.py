"""What operators need when a server lost data: find out, say it, repair it, never guess."""
