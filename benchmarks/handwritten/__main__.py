"""`python -m benchmarks.handwritten capture|scoring|stages`: one process, configured like our services."""

import gc
import os
import sys
from importlib import import_module

import uvloop

from benchmarks.handwritten.loop import Service, run


def main(service: str) -> None:
    definition: Service = import_module(f"benchmarks.handwritten.{service}").SERVICE
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    prefix = f"LEADFLOW_{service.upper()}"
    uvloop.run(
        run(
            definition,
            os.environ["LEADFLOW_KAFKA_BOOTSTRAP"],
            os.environ[f"{prefix}_DATABASE_URL"],
            os.environ[f"{prefix}_CONSUMER_GROUP"],
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
