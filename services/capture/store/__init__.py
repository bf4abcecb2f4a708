"""Every query of capture: leads and what they are known by, merges and pairs, imports."""
