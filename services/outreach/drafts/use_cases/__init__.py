"""Drafts: asked for, written, judged void, reviewed."""
