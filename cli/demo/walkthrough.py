"""The walkthrough of `leadflow up`: one lead from capture to goal, by commands that are printed before they run."""

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from rich.console import Console

from cli.command_line import command_line, with_data
from cli.demo import sequence, steps
from cli.errors import Refused
from cli.options import DEMO_TENANT


class Walkthrough:
    """Runs in a thread beside the supervisor. When `stopped` returns true, it ends at its next step."""

    def __init__(
        self,
        data: Path,
        console: Console,
        run_command: Callable[[Sequence[str]], object],
        stopped: Callable[[], bool],
    ) -> None:
        self._data = data
        self._console = console
        self._run_command = run_command
        self._stopped = stopped

    @property
    def _done_file(self) -> Path:
        return self._data / "demo" / "done"

    @property
    def is_done(self) -> bool:
        """Whether the walkthrough was completed on this data folder."""
        return self._done_file.exists()

    def run(self) -> None:
        """Run all steps. An error is printed and ends the walkthrough; Leadflow keeps running."""
        import httpx

        try:
            self._load_leads()
            self._follow_one_lead()
            self._follow_sequence()
        except steps.WaitTimeout as late:
            if not self._stopped():
                self._warn(
                    f"The demo stops here, because it has waited too long for {late}. "
                    "`leadflow status` shows the state of the services."
                )
        except (Refused, httpx.HTTPError) as error:
            if not self._stopped():
                self._warn(f"The demo stops here, because of an error: {error}")
        else:
            self._done_file.parent.mkdir(exist_ok=True)
            self._done_file.touch()

    def _load_leads(self) -> None:
        self._title("Leads arrive from a trade fair, a partner and the website. A few are invalid and are rejected.")
        fair, partners = self._copy("trade-fair.csv"), self._copy("partners.ndjson")
        self._run("import", str(fair), "--source", "trade-fair", "--map", "attributes.interest=Interest")
        self._run("import", str(partners), "--source", "partner")
        self._run("demo", "publish")
        self._wait("the first dead letter", self._has_dead_letters)
        self._run("dead-letters", "list", "capture")
        self._wait("scored leads in the queue", self._has_scored_leads)
        self._run("demo", "goal")

    def _follow_one_lead(self) -> None:
        self._title(
            "A person picks the best lead. The agent drafts a message, the person approves it, the lead replies."
        )
        lead = steps.find_lead(self._data, DEMO_TENANT, "top")
        self._run("demo", "queue", "--limit", "5")
        self._run("demo", "draft", lead)
        self._approve(lead)
        self._wait_for_stage(lead, "contacted")
        self._run("mailbox", "show", "last")
        self._run("mailbox", "answer", "last", "Thank you. We want to start in spring, can you call me on Thursday?")
        self._wait_for_stage(lead, "engaged")
        self._title("After a call the lead is qualified. It counts towards the goal, and a follow-up is drafted.")
        self._run("demo", "qualify", lead)
        self._wait_for_stage(lead, "qualified")
        self._wait("progress of the goal", lambda: steps.goal(self._data, DEMO_TENANT)["current_value"] or None)
        self._run("demo", "goal")
        self._approve(lead)
        self._run("demo", "timeline", lead)

    def _follow_sequence(self) -> None:
        self._title(
            "The next lead gets a sequence, with delays of seconds. It pauses while the lead is away, and ends with a "
            "reply."
        )
        lead = steps.find_lead(self._data, DEMO_TENANT, "top")
        before = self._count_mails()
        self._run("demo", "sequence", lead)
        self._wait("the first message of the sequence", lambda: self._count_mails() > before or None)
        back = (datetime.now(UTC) + timedelta(days=7)).strftime("%d %B %Y")
        self._run("mailbox", "answer", "last", f"I am out of the office until {back}.", "--auto")
        self._wait_for_enrolment(lead, "paused")
        self._run("demo", "enrolment", lead)
        before = self._count_mails()
        self._run("demo", "resume", lead)
        self._wait("the next message of the sequence", lambda: self._count_mails() > before or None)
        self._run("mailbox", "answer", "last", "Yes, please send me the prices.")
        self._wait_for_enrolment(lead, "exited")
        self._run("demo", "enrolment", lead)

    def _wait_for_enrolment(self, lead: str, state: str) -> None:
        self._wait(
            f"an enrolment that is {state}",
            lambda: sequence.newest(self._data, DEMO_TENANT, lead)["state"] == state or None,
        )

    def _approve(self, lead: str) -> None:
        self._wait("the draft", lambda: steps.pending_drafts(self._data, DEMO_TENANT, lead))
        before = self._count_mails()
        self._run("demo", "approve", lead)
        self._wait("the message in the mailbox", lambda: self._count_mails() > before or None)

    def _wait_for_stage(self, lead: str, stage: str) -> None:
        self._wait(f"the stage {stage}", lambda: steps.lead(self._data, DEMO_TENANT, lead)["stage"] == stage or None)

    def _has_scored_leads(self) -> bool | None:
        leads = list(islice(steps.queue(self._data, DEMO_TENANT), 100))
        return (len(leads) > 20 and all(lead["score_total"] for lead in leads[:10])) or None

    def _has_dead_letters(self) -> bool | None:
        from cli.client import http_client

        with http_client(self._data, "capture", DEMO_TENANT, "operator") as http:
            return bool(http.get("/v1/dead-letters").raise_for_status().json()["items"]) or None

    def _count_mails(self) -> int:
        from deploy.local.mailbox import read_mailbox

        return len(read_mailbox(self._data / "mailbox"))

    def _wait(self, name: str, check: Callable[[], object | None]) -> None:
        steps.wait_for(name, check, stopped=self._stopped)

    def _copy(self, name: str) -> Path:
        folder = self._data / "demo"
        folder.mkdir(exist_ok=True)
        return Path(shutil.copyfile(steps.FILES / name, folder / name))

    def _run(self, *words: str) -> None:
        """Print a command, then run exactly this command."""
        if self._stopped():
            raise steps.WaitTimeout("the end")
        self._console.print(f"\n$ {command_line(words, self._data)}", style="bold", soft_wrap=True)
        self._run_command(with_data(words, self._data))

    def _title(self, text: str) -> None:
        self._console.print(f"\n{text}", style="bold cyan", soft_wrap=True)

    def _warn(self, text: str) -> None:
        self._console.print(text, style="yellow", soft_wrap=True)
