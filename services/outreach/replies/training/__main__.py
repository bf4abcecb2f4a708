"""`python -m services.outreach.replies.training`: the shipped reply model, trained anew."""

import argparse

from services.outreach.replies import training
from services.outreach.replies.rules.reply_model import Model


def main() -> None:
    """Train the shipped model anew, or check that its file is what comes out."""
    parser = argparse.ArgumentParser(description="Train the shipped reply model from data/replies.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the shipped file differs")
    options = parser.parse_args()
    fresh = training.train(training.shipped_rows())
    if options.check:
        same = training.alike(fresh, Model.load(training.SHIPPED))
        print("the shipped model is what comes out" if same else "the shipped model differs from what comes out")
        raise SystemExit(0 if same else 1)
    fresh.save(training.SHIPPED)
    print(f"{training.SHIPPED}: {training.SHIPPED.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
