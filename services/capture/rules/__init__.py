"""The decisions of capture, without I/O: normal forms, matching, precedence, merging, and the reading of files."""
