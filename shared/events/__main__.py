"""`python -m shared.events`: writes docs/events from the models. `--check` only looks, `--release` freezes."""

import argparse
import sys

from shared.events.documents import broken_promises, release, stale, write


def main(arguments: list[str] | None = None) -> int:
    """Exit code 1: something is stale, or a promise to other systems is broken."""
    parser = argparse.ArgumentParser(prog="python -m shared.events", description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="write nothing; name what is stale or broken")
    choice.add_argument("--release", action="store_true", help="promise the present schemas to other systems")
    chosen = parser.parse_args(arguments)
    if chosen.check:
        problems = [f"stale: docs/events/{path}" for path in stale()] + broken_promises()
        print(*problems, sep="\n", end="\n" if problems else "")
        return 1 if problems else 0
    for path in write():
        print(f"docs/events/{path}")
    if chosen.release:
        try:
            release()
        except ValueError as broken:
            print(f"Not released:\n{broken}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
