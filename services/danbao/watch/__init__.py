"""Watching one process from outside its main loop: is it alive, ready, and getting anywhere?"""
