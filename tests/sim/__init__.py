"""The simulator itself: that it repeats what it did, and that it finds what is wrong."""
