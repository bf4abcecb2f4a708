"""What the goals service does: load, decide, save, emit."""
