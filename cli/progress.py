"""Progress as bars on a terminal; elsewhere as a plain line every two seconds."""

import threading
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

_LINE_SECONDS = 2.0


class ImportBar:
    """Progress of an upload and an import. It goes to standard error; standard output has only the outcome."""

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
        self._printed_at = time.monotonic()

    def __enter__(self) -> "ImportBar":
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def __call__(self, task: str, done: int, total: int | None) -> None:
        """Show how much of a task is done."""
        if task not in self._tasks:
            self._tasks[task] = self._bar.add_task(task, total=total or done)
        self._bar.update(self._tasks[task], completed=done, total=max(total or done, done))
        if not self._console.is_terminal and time.monotonic() - self._printed_at > _LINE_SECONDS:
            self._printed_at = time.monotonic()
            self._console.print(f"{task}: {done:,}" + (f" of {total:,}" if total else ""))


class DownloadBar:
    """Progress of Kafka's first download; it appears with the first byte. Several threads call it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._mutex = threading.Lock()
        self._printed_at = 0.0

    def __enter__(self) -> "DownloadBar":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def __call__(self, done: int, total: int) -> None:
        """Show how many bytes are done."""
        with self._mutex:
            if not self._console.is_terminal:
                if done == total or time.monotonic() - self._printed_at > _LINE_SECONDS:
                    self._printed_at = time.monotonic()
                    self._console.print(f"Downloading Kafka: {done / 1e6:.0f} of {total / 1e6:.0f} MB")
                return
            if self._bar is None:
                columns = (TextColumn("Downloading Kafka"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
                self._bar = Progress(*columns, console=self._console)
                self._task = self._bar.add_task("", total=total)
                self._bar.start()
            self._bar.update(self._task, completed=done)
            if done >= total:
                self._stop()

    def stop(self) -> None:
        """Stop drawing the bar, whether or not the download is complete."""
        with self._mutex:
            self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
