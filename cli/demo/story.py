"""The demo's story: one lead from capture to goal, told by commands that are printed before they run."""

import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from cli.demo import steps
from cli.options import DEFAULT_DATA, DEMO_TENANT, Refused


class Story:
    """Runs on a thread of its own beside the services; `stopped` says that nobody waits for its end any more."""

    def __init__(self, data: Path, console: Console, stopped: Callable[[], bool]) -> None:
        self._data = data
        self._console = console
        self._stopped = stopped

    @property
    def _done(self) -> Path:
        return self._data / "demo" / "done"

    @property
    def was_told(self) -> bool:
        """Whether this data folder has the demo's leads already."""
        return self._done.exists()

    def tell(self) -> None:
        """The whole story; what goes wrong in it is printed and ends it, Leadflow keeps running."""
        import httpx

        try:
            self._leads()
            self._one_lead()
        except steps.TookTooLong as late:
            if not self._stopped():
                self._say(f"the demo waits no longer for {late}; `leadflow status` shows how the services are")
        except (Refused, httpx.HTTPError) as error:
            if not self._stopped():
                self._say(f"the demo stopped here: {error}")
        else:
            self._done.parent.mkdir(exist_ok=True)
            self._done.touch()

    def _leads(self) -> None:
        self._title("Leads arrive: from a trade fair, a partner, the website. Some cannot be taken.")
        fair, partners = self._copy("trade-fair.csv"), self._copy("partners.ndjson")
        self._run("import", str(fair), "--source", "trade-fair", "--map", "attributes.interest=Interest")
        self._run("import", str(partners), "--source", "partner")
        self._run("demo", "publish")
        self._wait("the first dead letter", self._dead_letters)
        self._run("dead-letters", "list", "capture")
        self._wait("scored leads in the queue", self._scored)
        self._run("demo", "goal")

    def _one_lead(self) -> None:
        self._title("A person takes the best lead. The agent drafts, the person approves, the lead answers.")
        lead = steps.find_lead(self._data, DEMO_TENANT, "top")
        self._run("demo", "queue", "--limit", "5")
        self._run("demo", "draft", lead)
        self._approve(lead, "contacted")
        self._run("mailbox", "show", "last")
        self._run("mailbox", "answer", "last", "Thank you. We want to start in spring, can you call me on Thursday?")
        self._stage(lead, "engaged")
        self._title("After the call the lead is qualified: that counts towards the goal, and a follow-up is drafted.")
        self._run("demo", "qualify", lead)
        self._stage(lead, "qualified")
        self._wait("the goal to progress", lambda: steps.goal(self._data, DEMO_TENANT)["current_value"] or None)
        self._run("demo", "goal")
        self._approve(lead, None)
        self._run("demo", "timeline", lead)

    def _approve(self, lead: str, stage: str | None) -> None:
        self._wait("the draft", lambda: steps.pending_drafts(self._data, DEMO_TENANT, lead))
        before = self._mails()
        self._run("demo", "approve", lead)
        self._wait("the message in the mailbox", lambda: self._mails() > before or None)
        if stage:
            self._stage(lead, stage)

    def _stage(self, lead: str, stage: str) -> None:
        self._wait(
            f"the lead to be {stage}", lambda: steps.lead(self._data, DEMO_TENANT, lead)["stage"] == stage or None
        )

    def _scored(self) -> bool | None:
        leads = steps.queue(self._data, DEMO_TENANT)
        return (len(leads) > 20 and all(lead["score_total"] for lead in leads[:10])) or None

    def _dead_letters(self) -> bool | None:
        from cli.options import client

        with client(self._data, "capture", DEMO_TENANT, "operator") as http:
            return bool(http.get("/v1/dead-letters").raise_for_status().json()["items"]) or None

    def _mails(self) -> int:
        from deploy.local.mailbox import read_mailbox

        return len(read_mailbox(self._data / "mailbox"))

    def _wait(self, what: str, look: Callable[[], object | None]) -> None:
        steps.wait_for(what, look, stopped=self._stopped)

    def _copy(self, name: str) -> Path:
        folder = self._data / "demo"
        folder.mkdir(exist_ok=True)
        return Path(shutil.copyfile(steps.FILES / name, folder / name))

    def _run(self, *command: str) -> None:
        """Print a command, then run it, exactly as it was printed."""
        from cli.main import app

        if self._stopped():
            raise steps.TookTooLong("the end")
        place = [] if self._data.resolve() == DEFAULT_DATA.resolve() else ["--data", str(self._data)]
        words = [*command, *place]
        self._console.print(f"\n$ {shlex.join([program(), *words])}", style="bold", soft_wrap=True)
        app(words, standalone_mode=False)

    def _title(self, text: str) -> None:
        self._console.print(f"\n{text}", style="bold cyan", soft_wrap=True)

    def _say(self, text: str) -> None:
        self._console.print(text, style="yellow", soft_wrap=True)


def program() -> str:
    """How this program is called from here: by its name, where the shell finds it."""
    if shutil.which("leadflow"):
        return "leadflow"
    binary = Path(sys.executable).with_name("leadflow")
    try:
        return str(binary.relative_to(Path.cwd()))
    except ValueError:
        return str(binary)
