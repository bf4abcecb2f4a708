"""What comes in: whose answer it is (`taking`), what it says, and what follows from that (`labels`)."""
