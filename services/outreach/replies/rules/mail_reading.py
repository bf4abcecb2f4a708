"""All that a raw mail says: sender, own words, label, delivery reports, complaint. Pure; any bytes are a mail."""

from dataclasses import dataclass, field, replace

from services.outreach.replies.rules import (
    PERHAPS_AN_OPT_OUT,
    Classification,
    automatic_replies,
    bounces,
    calendar_answers,
    classify,
    mail_parsing,
    new_text,
    opt_outs,
    sealed_mail,
)
from services.outreach.replies.rules.bounces import DeliveryReport
from services.outreach.replies.rules.calendar_answers import CalendarAnswer
from services.outreach.replies.rules.complaints import Complaint
from services.outreach.replies.rules.mail_parsing import InboundMail
from services.outreach.replies.rules.reply_model import Model

READ_RECEIPT = Classification("auto_reply", 1.0, "a read receipt")


@dataclass(frozen=True, slots=True)
class ReadMail:
    """A mail that was read. Only plain values: it crosses the border of a process as JSON.

    `digest` (hex) is the same for every copy of the mail. `newest` are the writer's own words.
    """

    digest: str
    message_id: str | None
    sender: str
    subject: str
    newest: str
    classification: Classification
    references: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    reports: list[DeliveryReport] = field(default_factory=list)
    complaint: Complaint | None = None


@dataclass(frozen=True, slots=True)
class ReadSms:
    """An SMS that was read: the writer's own words, and the label. Only plain values, as in a `ReadMail`."""

    newest: str
    classification: Classification


def read_sms(body: str, model: Model | None = None) -> ReadSms:
    """Read an SMS. `model`: the tenant's own, else the one that is shipped."""
    read = new_text.extract(body)
    return ReadSms(read.newest, classify("sms", {}, read, model))


def unread_sms(body: str, problem: str) -> ReadSms:
    """What can be said of an SMS that could not be read: a STOP word counts, the rest is for a human."""
    read = new_text.extract(body)
    word = opt_outs.stop_word(read)
    if word:
        return ReadSms(read.newest, Classification("opt_out", 0.99, word, stop_word=True))
    return ReadSms(read.newest, Classification("other", 0.0, problem, needs_human=True))


def read_mail(raw: bytes, model: Model | None = None) -> ReadMail:
    """Read a mail. Complaints and delivery reports are looked for before its words are. `model`: as in `read_sms`."""
    mail = mail_parsing.parse(raw)
    complaint = bounces.complaint(mail)
    reports = [] if complaint else bounces.failures(mail)
    read = new_text.extract(mail.body)
    return ReadMail(
        digest=mail.digest.hex(),
        message_id=mail.message_id,
        sender=mail.sender,
        subject=mail.subject,
        newest=read.newest,
        classification=_classification(mail, read, model),
        references=mail.references,
        tokens=mail.tokens,
        reports=reports,
        complaint=complaint,
    )


def _classification(mail: InboundMail, read: new_text.NewText, model: Model | None) -> Classification:
    if mail.kind == "read_receipt":
        return READ_RECEIPT
    if mail.calendar_answer:
        return _of_a_calendar(mail, mail.calendar_answer, model)
    found = classify("email", mail.headers, read, model)
    if mail.sealed and found.needs_human and not read.own.strip():
        return replace(found, because=sealed_mail.ENCRYPTED)
    return found


def _of_a_calendar(mail: InboundMail, answer: CalendarAnswer, model: Model | None) -> Classification:
    """The label of what a calendar sent for a person: who accepts or proposes a time wants to meet, and who declines
    one says no more than that. What was typed beside it counts; the words of a calendar that sends by itself do not.
    """
    automatic = automatic_replies.is_automatic(mail.headers)
    typed = new_text.extract(answer.comment if automatic else mail.typed)
    typed_label = classify("email", {}, typed, model) if typed.own.strip() else None
    if typed_label and (typed_label.label == "opt_out" or typed_label.because.startswith(PERHAPS_AN_OPT_OUT)):
        return typed_label
    if answer.answer in calendar_answers.WANTS_TO_MEET:
        return Classification("meeting_request", 0.95, answer.words)
    return typed_label or Classification("other", 0.0, answer.words, needs_human=True)


def unread_mail(raw: bytes, digest: str, problem: str) -> ReadMail:
    """What can be said of a mail that could not be read: a human has to, with the reason `problem`."""
    head = raw[:20_000].decode("utf-8", "replace")
    fields = [line.partition(":") for line in head.splitlines()]
    lines = {name.strip().lower(): value.strip() for name, _, value in reversed(fields)}
    sender = lines.get("from", "").rpartition("<")[2].partition(">")[0].strip().lower()
    return ReadMail(
        digest=digest,
        message_id=None,
        sender=new_text.storable(sender[:320]) if "@" in sender else "",
        subject=new_text.storable(lines.get("subject", "")[:500]),
        newest=new_text.storable(head[:5_000]),
        classification=Classification("other", 0.0, problem, needs_human=True),
    )
