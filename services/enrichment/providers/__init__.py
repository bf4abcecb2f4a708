"""The providers that facts come from, and the chain in which they are asked (`chain.py`)."""
