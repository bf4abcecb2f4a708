"""What capture decides, without I/O: what a lead says of itself, which lead it is, and whose word counts."""
