"""Every statement of capture: leads and how they are found, merges, pairs for review, imports, erasure."""
