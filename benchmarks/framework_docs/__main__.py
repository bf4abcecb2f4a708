"""`python -m benchmarks.framework_docs capture|scoring|stages`: one process."""

import sys
from importlib import import_module

import uvloop


def main(service: str) -> None:
    uvloop.run(import_module(f"benchmarks.framework_docs.{service}").app.run())


if __name__ == "__main__":
    main(sys.argv[1])
