"""The demo: sample leads, and the steps of a person as commands that can be repeated."""

from cli.demo.commands import app

__all__ = ["app"]
