"""Whether a mail without the fields of a report is one: who sent it, and what it says."""

import re

from services.outreach.replies.rules import bounce_texts
from services.outreach.replies.rules.mail_parsing import InboundMail
from services.outreach.replies.rules.mime_parts import Part

MAX_WORDS = 16_000

DAEMON = re.compile(
    r"\b(mailer[-_.]?daemon|mail[-_.]?daemon|mdaemon|postmaster|mail[ ._]?delivery|delivery (sub)?system|mail system"
    r"|(mail|system|ndr) administrator|mmsc|mail ?router|bounces?)\b|\bpoo?st_?master",
    re.I,
)
NOT_MEMBER = re.compile(r"\bnot (a )?(member|subscribe\w+)|only (members|subscribers)|permission to post", re.I)
_MACHINE_SUBJECT = re.compile(
    r"undeliver|non-?deliver|unzustellbar|non remis|return(ed|ing) (mail|message)|failure notice|delivery has failed"
    r"|delivery (status )?(notif|fail|report|error|status|problem)|mail (system )?(error|failure|delivery)|warning: "
    r"|(message|mail) (delivery )?(delayed|fail|status)|could not (send|deliver)|notification d.état|échec|devuelto"
    r"|fehlgeschlagen|não entregue|mancata consegna|не доставлен|недоставлен|配信|エラー|退信|반송",
    re.I,
)
_FAILURE_SUBJECT = re.compile(
    r"\b(undeliver(able|ed)|returned mail|failure notice|non-?delivery|non remis|unzustellbar|mail delivery (fail"
    r"|problem|error)|delivery (status )?(fail\w+|notification|problem|report|error)|delivery .{0,20}failed"
    r"|(mail|message|e-?mail) (could not be|not|was not) (delivered|sent))|配信不能|退信|недоставлен|не доставлен",
    re.I,
)
"""Subjects that nobody but a mail server writes, where no letters of an answer stand before them."""
_ANSWERS = re.compile(r"\A\s{0,5}(re|aw|antw|sv|rv|res|r|fw|fwd|wg|tr|enc)\s?:", re.I)
_LIST_HEADERS = frozenset({"x-ml-info", "x-mlserver", "list-id", "list-unsubscribe", "list-subscribe", "mailing-list"})
_ABSENT = re.compile(
    r"\b(out of (the )?office|on (vacation|holiday|leave)|automatic reply|auto-?reply|autoresponder|away (from|until)"
    r"|will be back|limited access to (my )?e?-?mail|abwesen|urlaub|absence|ausente|vacaciones|férias|assente|afwezig)",
    re.I,
)
_FAILS = (bounce_texts.FAILS, bounce_texts.FAILS_ELSEWHERE)


def machine(root: Part) -> str:
    """Which kind of machine sent a mail, by its headers: a `daemon` by name, `null` for a sender that takes no answer,
    `automatic`; "" for what a person may have sent."""
    headers = root.headers
    from_, path = headers.text("from"), headers.first("return-path").strip(" <>").lower()
    if DAEMON.search(from_) or not from_.strip(' <>"'):
        return "daemon"
    if "<>" in headers.first("return-path") or "<>" in from_ or path.startswith(("mailer-daemon", "postmaster@")):
        return "null"
    return "automatic" if headers.first("auto-submitted").lower().startswith("auto-") else ""


def may_be_report(mail: InboundMail, root: Part) -> bool:
    """Whether it is worth reading a mail as a report: most mails are not."""
    if machine(root) or root.kind == "multipart/report" or root.headers.first("x-failed-recipients"):
        return True
    return bool(_FAILURE_SUBJECT.search(mail.subject) or NOT_MEMBER.search(mail.subject))


def is_report(mail: InboundMail, root: Part, lines: list[str], known: bool, came_back: bool, listed: bool) -> bool:
    """Whether a mail without the fields of a report is one: a machine sent it, and it says that something failed.

    `known`: its headers name the addresses. `came_back`: it has our message. `listed`: it lists an address.
    """
    text, headers = " ".join("\n".join(lines)[:MAX_WORDS].split()), root.headers
    sent_by = machine(root)
    fails = any(pattern.search(f"{mail.subject}\n{text}") for pattern in _FAILS)
    reply = bounce_texts.has_reply(lines)
    daemon, null = sent_by == "daemon", sent_by == "null"
    if known and sent_by:
        return True
    if _ABSENT.search(f"{mail.subject} {text[:1_000]}") and not (daemon and (reply or came_back)):
        return False
    about = bool(_MACHINE_SUBJECT.search(mail.subject))
    if daemon:
        return fails or (reply and (about or came_back)) or (listed and came_back) or (about and came_back)
    if sent_by or root.kind == "multipart/report":
        return (fails and (reply or came_back or about or (null and listed))) or (reply and came_back)
    if NOT_MEMBER.search(mail.subject) and any(name in _LIST_HEADERS for name, _ in headers.fields):
        return True
    if mail.references or _ANSWERS.match(mail.subject):
        # A person who answers, about whatever.
        return False
    if _FAILURE_SUBJECT.search(mail.subject) and any(pattern.search(text) for pattern in _FAILS):
        return came_back or listed
    return False
