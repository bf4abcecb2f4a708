"""Ten answers by a mail program, over SMTP and IMAP: one for each label, with the stage that follows."""

import smtplib
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any, NamedTuple

from tests.e2e.mail_server import TENANT, MailServer
from tests.e2e.test_lead_lifecycle import Tenant, eventually
from tests.local_run import LocalRun


class Written(NamedTuple):
    """What one lead writes, the label that it gets, and the stage in which the lead is afterwards."""

    label: str
    stage: str
    text: str
    headers: dict[str, str] = {}


MACHINE = {"Auto-Submitted": "auto-replied", "Subject": "Automatic reply"}
CONVERSATION = [
    Written("interested", "engaged", "Hi,\n\nthat sounds good to us. Please send me the offer and the brochure."),
    Written("question", "engaged", "What does it cost for twelve users, and where is the data stored?"),
    Written("meeting_request", "engaged", "Let's talk it over. Could you call me on Thursday at 10:30?"),
    Written("later", "nurture", "Not now, we are in the middle of a move. Please come back to me in spring."),
    Written("declined", "lost", "Thank you for the offer. We have decided to go with another supplier."),
    Written("opt_out", "dead", "Please remove me from your list and do not write to me again."),
    Written(
        "moved_company", "moved_company", "Peter Miller has left the company in May. He does not work here any more."
    ),
    Written("wrong_person", "contacted", "I am not responsible for purchasing, please ask my colleague Anna Berg."),
    Written(
        "out_of_office",
        "contacted",
        "I am out of the office on holiday and will be back on 12 January. Unsubscribe requests wait until then.",
        MACHINE,
    ),
    Written(
        "auto_reply",
        "contacted",
        "Thank you for your message. We have received your request and opened ticket 48112. Do not reply to this mail.",
        MACHINE,
    ),
]
SIGNATURE = (
    "\n\n-- \nMiller Ltd, 1 Mill Lane\nThis message is confidential. If you got it by mistake, please delete it."
)


def test_ten_answers_by_mail_get_their_labels_and_move_their_leads(system: LocalRun, mail_server: MailServer):
    office = Tenant(system, TENANT)
    leads = {each.label: captured(office, each.label) for each in CONVERSATION}
    for label in leads:
        approved(office, leads[label])
    for each in CONVERSATION:
        ours = eventually(lambda each=each: office.mails(address(each.label)))[0]  # type: ignore[misc]
        with smtplib.SMTP("127.0.0.1", mail_server.smtp_port) as client:
            client.send_message(answer(ours, each))
    seen = {each.label: eventually(lambda each=each: heard(office, leads[each.label])) for each in CONVERSATION}  # type: ignore[misc]
    assert {label: found["label"] for label, found in seen.items()} == {label: label for label in seen}
    for each in CONVERSATION:
        office.lead = leads[each.label]
        assert office.wait_for_stage(each.stage)["stage"] == each.stage
    assert seen["interested"]["text"].startswith("Hi,\n\nthat sounds good to us.")
    assert "confidential" not in seen["interested"]["text"]


def address(label: str) -> str:
    return f"{label.replace('_', '.')}@miller.example"


def captured(office: Tenant, label: str) -> str:
    lead = {"source": "web", "email": address(label), "first_name": "Peter", "last_name": "Miller"}
    found: str = office.capture.post("/v1/leads", json=lead).raise_for_status().json()["lead_id"]
    return found


def approved(office: Tenant, lead: str) -> None:
    """A first message to the lead that a person wrote and approved."""
    body = {"lead_id": lead, "kind": "first", "channel": "email", "subject": "Your pumps", "body": "Shall we talk?\n"}

    def drafted() -> dict[str, Any] | None:
        made = office.outreach.post("/v1/drafts", json=body)
        return made.json() if made.status_code == 201 else None

    office.approve(eventually(drafted))


def answer(ours: EmailMessage, written: Written) -> EmailMessage:
    """The answer of a mail program: below it a signature, and our message as a quote."""
    mail = EmailMessage()
    mail["From"], mail["To"] = ours["To"], ours.get("Reply-To", ours["From"])
    mail["Message-ID"] = make_msgid(domain="miller.example")
    mail["In-Reply-To"] = mail["References"] = ours["Message-ID"]
    for name, value in ({"Subject": f"Re: {ours['Subject']}"} | written.headers).items():
        mail[name] = value
    quote = "\n".join(f"> {line}" for line in ours.get_body(("plain",)).get_content().splitlines())  # type: ignore[union-attr]
    mail.set_content(f"{written.text}{SIGNATURE}\n\nOn Mon, 2 Nov 2026 at 10:00, Sales wrote:\n{quote}\n")
    return mail


def heard(office: Tenant, lead: str) -> dict[str, Any] | None:
    found = office.outreach.get("/v1/replies", params={"lead_id": lead}).json()["items"]
    return found[0] if found else None
