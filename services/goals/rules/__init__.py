"""The decisions of the goals service: pure functions, with time and ids as arguments."""
