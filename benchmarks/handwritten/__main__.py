"""`python -m benchmarks.handwritten capture|scoring|stages`: one process, set up like a service of ours."""

import gc
import os
import sys
from importlib import import_module

import uvloop

from benchmarks.handwritten.loop import Part, run


def main(service: str) -> None:
    part: Part = import_module(f"benchmarks.handwritten.{service}").PART
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    prefix = f"LEADFLOW_{service.upper()}"
    uvloop.run(
        run(
            part,
            os.environ["LEADFLOW_KAFKA_BOOTSTRAP"],
            os.environ[f"{prefix}_DATABASE_URL"],
            os.environ[f"{prefix}_CONSUMER_GROUP"],
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
