"""Progress on a terminal as bars; elsewhere a plain line now and then."""

import threading
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

_LINE_EVERY = 2.0


class ImportBar:
    """Of an upload and an import; on standard error, so that the outcome alone goes to the output."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._told_at = time.monotonic()

    def __enter__(self) -> "ImportBar":
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total or done)
        self._bar.update(self._tasks[what], completed=done, total=max(total or done, done))
        if not self._console.is_terminal and time.monotonic() - self._told_at > _LINE_EVERY:
            self._told_at = time.monotonic()
            self._console.print(f"{what}: {done:,}" + (f" of {total:,}" if total else ""))


class FetchBar:
    """Of Kafka's first download; appears with the first byte. Called from several threads."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._mutex = threading.Lock()
        self._told_at = 0.0

    def __enter__(self) -> "FetchBar":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def __call__(self, done: int, total: int) -> None:
        with self._mutex:
            if not self._console.is_terminal:
                if done == total or time.monotonic() - self._told_at > _LINE_EVERY:
                    self._told_at = time.monotonic()
                    self._console.print(f"fetching Kafka: {done / 1e6:.0f} of {total / 1e6:.0f} MB")
                return
            if self._bar is None:
                columns = (TextColumn("fetching Kafka"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
                self._bar = Progress(*columns, console=self._console)
                self._task = self._bar.add_task("", total=total)
                self._bar.start()
            self._bar.update(self._task, completed=done)
            if done >= total:
                self._bar.stop()
                self._bar = None

    def stop(self) -> None:
        """Take the bar away, whatever it shows."""
        with self._mutex:
            if self._bar is not None:
                self._bar.stop()
                self._bar = None
