"""What capture does: load, decide, save, emit."""
