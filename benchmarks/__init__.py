"""Side-by-side measurements: ours, a hand-written best, and the way the frameworks' own docs show it."""
