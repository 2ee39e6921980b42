"""From heaps of text to tokens: reading, cleaning, duplicates, shards."""
