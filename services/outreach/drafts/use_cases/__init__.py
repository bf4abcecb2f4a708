"""Drafts: requested, composed, superseded, reviewed."""
