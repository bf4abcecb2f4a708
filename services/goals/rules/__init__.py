"""What the goals service decides: pure, with time and ids as arguments."""
