"""The demo: leads of all kinds, and a person's steps as commands that anybody can repeat."""

from cli.demo.commands import app

__all__ = ["app"]
