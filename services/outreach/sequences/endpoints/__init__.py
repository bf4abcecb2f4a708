"""The HTTP API of sequences and of enrolments."""
