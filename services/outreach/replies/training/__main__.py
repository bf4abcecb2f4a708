"""`python -m services.outreach.replies.training`: the shipped reply model, trained anew."""

import argparse

from services.outreach.replies import training


def main() -> None:
    """Train the shipped model anew, or check that its file is what comes out."""
    parser = argparse.ArgumentParser(description="Train the shipped reply model from data/replies.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the shipped file differs")
    options = parser.parse_args()
    fresh = training.train(training.shipped_rows()).to_bytes()
    if options.check:
        same = fresh == training.SHIPPED.read_bytes()
        print("the shipped model is what comes out" if same else "the shipped model differs from what comes out")
        raise SystemExit(0 if same else 1)
    training.SHIPPED.write_bytes(fresh)
    print(f"{training.SHIPPED}: {len(fresh):,} bytes")


if __name__ == "__main__":
    main()
