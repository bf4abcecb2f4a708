"""Builders and a running service, for tests."""
