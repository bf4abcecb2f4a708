"""The broker's ahead-of-time cache is made once for all who start at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local.aot_cache import aot_cache


def test_those_who_start_together_wait_for_one_who_makes_it(tmp_path: Path):
    together = threading.Barrier(3)
    made: list[Path] = []

    def record(target: Path) -> None:
        made.append(target)
        target.write_text("classes")

    def start(_: int) -> Path | None:
        together.wait(10)
        return aot_cache(tmp_path / "kafka-1", record)

    with ThreadPoolExecutor(3) as pool:
        caches = set(pool.map(start, range(3)))
    (cache,) = caches
    assert cache is not None
    assert cache.read_text() == "classes"
    assert len(made) == 1


def test_where_java_cannot_make_it_the_broker_starts_without_and_it_is_not_tried_again(tmp_path: Path):
    tries: list[Path] = []
    assert aot_cache(tmp_path / "kafka-1", tries.append) is None
    assert aot_cache(tmp_path / "kafka-1", tries.append) is None
    assert len(tries) == 1
