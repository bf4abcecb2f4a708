"""What the stage service does: load, decide by the rules, save, emit."""
