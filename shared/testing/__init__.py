"""For tests: builders, a client of the broker, a running service, and its answers compared with its description."""
