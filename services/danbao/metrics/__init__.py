"""What a process tells Prometheus: the catalogue of its metrics, and where each number comes from.

A scrape costs what it asks for; who is not scraped pays nothing but a few additions a batch.
"""
