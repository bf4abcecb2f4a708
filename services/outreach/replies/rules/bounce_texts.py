"""Delivery reports in plain words: which addresses failed, and the words about each of them."""

import re
from dataclasses import dataclass, field

from services.outreach.replies.rules import mail_headers
from services.outreach.suppression.rules import mail_failures

MAX_LINES = 400
MAX_LINE = 1_000
MAX_RECIPIENTS = 50

_ADDRESS = r"(?:[^\s<>()\[\]\",;:@'`]|(?<=\w)'(?=\w)){1,100}@[^\s<>()\[\]\",;:@'`]{1,150}"
_HEADER = re.compile(
    r"\A\s{0,4}(received|return-path|message-id|mime-version|delivered-to|dkim-signature|from|date|subject|to|cc|reply-to|sender"
    r"|x-[a-z-]{2,40}|content-type|content-transfer-encoding|arc-[a-z-]{2,40}|references|in-reply-to|user-agent):\s?\S?",
    re.I,
)
_FIRST_HEADER = re.compile(
    r"\A(received|return-path|message-id|mime-version|dkim-signature|delivered-to|from|date|x-[a-z-]{2,40}|arc-seal|to|subject"
    r"|content-type):",
    re.I,
)
_CERTAIN = frozenset({"received", "return-path", "message-id", "mime-version", "from", "dkim-signature", "arc-seal"})
_RULE = re.compile(
    r"\A(?:[\s>]{0,10}[-=_*+#~]{2,60}.{0,60}\b(original|returned|unsent|copy|below this line|headers?|undelivered"
    r"|enclosed)\b"
    r"|\s{0,10}(original|returned) (message|mail) (follows|headers?)\b|.{0,20}message headers? follow"
    r"|\s{0,10}below is a copy|\s{0,10}included is a copy|[-\s]{2,20}元のメール|-{2,20}\s?原始邮件)",
    re.I,
)
_LONE = re.compile(
    rf"\A[\s\"'<>*\-•:(\[.=#]{{0,30}}({_ADDRESS})[\s\"'>*\-:)\].,;=]{{0,30}}(?:[<(\[]?(?:mailto:)?\1[>)\]]?)?\s{{0,10}}\Z",
    re.I,
)
_AT_START = re.compile(
    rf"\A[\s\"'<*\->•\[(]{{0,30}}({_ADDRESS})[\">'\])]{{0,3}}\s{{0,5}}(?::|;|,|\.\.\.|\(| - | on |\[|\s{{2}}|=>"
    rf"|<mailto:)",
    re.I,
)
_AFTER_CODE = re.compile(
    rf"\A[\s<>]{{0,10}}[45]\d\d[ -](?:[45]\.\d{{1,3}}\.\d{{1,3}}\s)?\s{{0,3}}<?({_ADDRESS})>?[\s:.,]", re.I
)
_RCPT = re.compile(rf"\b(?:RCPT TO\s?:?|SMTP[=:])\s{{0,3}}<?({_ADDRESS})", re.I)
_GENERATED = re.compile(rf"generated from <?({_ADDRESS})", re.I)
_NAMED = re.compile(
    r"\b(recipients?|rcpt|address(?:ed to|ee)?|user|mailbox|deliver\w{0,6}(?: your mail| the message"
    r"| this message)? to|mail to"
    rf"|message to|sent to|failed|error|alias|account|destinataire|empfänger|an|destinatario|получател\w+"
    rf"|to)[\s:\"'<(=]{{1,8}}({_ADDRESS})",
    re.I,
)
_PHRASE = re.compile(rf"[^@:]{{3,80}}:\s{{0,5}}[<\"']?({_ADDRESS})[>\"']?\s{{0,5}}\.?\Z")
_NOT_THE_ADDRESS = re.compile(
    r"mail from\b|\bfrom\s{0,3}:|\bsender\s{0,3}:|envelope-from|generated from|\bcontact\b|please (send|write|mail)"
    r"|for (further )?"
    r"(assistance|help|information)|message-id|\bcc\s{0,3}:|reply-to|sent by\b|message sent by|\bid\s{0,3}[:=]",
    re.I,
)
_HELPER = re.compile(r"(postmaster|mailer-daemon|abuse|support|helpdesk|hostmaster|webmaster|noreply|no-reply)@", re.I)
_OTHER_ENTRY = re.compile(r"\A\s{0,4}(\.{3} )?(while talking|>>>|<<<|[245]\d\d <|[245]\d\d \S{1,100} \(smtp\))", re.I)
FAILS = re.compile(
    r"undeliver|unzustellbar|nicht zugestellt|zustell\w* (ist )?fehlgeschlagen|(could|can|was|has|have)( ?not"
    r"|n['’]t) (yet )?(be(en)? )?"
    r"(deliver|sent|reach)|\bnot (be |been )?delivered|(mail|message) (has been|was|is being) returned"
    r"|automatically rejected|del[ie]ver\w* .{0,90}(postponed|aborted|gave up)|failed recipients|rejected recipients"
    r"|deliver\w* (has |have )?(to .{1,60} )?(permanently |finally )?(been )?(fail|delay|error|"
    r"problem)|fail\w* to deliver|unable to deliver|error .{0,30}deliver|wasn['’]t able to deliver|did not reach"
    r"|returned mail|"
    r"failed permanently|fatal errors|had (delivery|permanent)|failure notice|mail system error|address(es)? failed"
    r"|rejected by|"
    r"has been delayed|is delayed|message .{0,40}(bounced|rejected|refused|blocked|not accepted)|no valid recipients|"
    r"doesn['’]t have a .{1,60} account|unknown user|user unknown|mailbox (is )?full|non[- ]?delivery"
    r"|could not be reached",
    re.I,
)
FAILS_ELSEWHERE = re.compile(
    r"送信できませんでした|配信(できません|に失敗|不能)|届けられません|送信に失敗|エラーのため|宛先不明|无法(投递|发送|送达)|未能(送达|投递)|退信|投递失败|"
    r"发送失败|無法(傳送|遞送|寄送)|退回|전송(하지 못|되지 않|에 실패|이 실패)|배달(하지|되지)|반송|не (может быть "
    r"|было |был[ао]? )?доставлен|недоставлен|"
    r"не удалось доставить|не вдалося|n['’]a pas (pu être|été) (remis|distribu|délivr|transmis)|non (remis|distribu"
    r"|délivr)|échec de|"
    r"no (se )?(ha )?(pudo|podido) (ser )?(entreg|envi)|no (fue|pudo ser) entregad|não (pôde|foi|pode"
    r"|foi possível) .{0,20}entreg|"
    r"non (è stato|può essere|è stato possibile) .{0,20}(consegn|recapit)|mancat[ao] (consegna|recapito)"
    r"|kon niet (worden )?(bezorgd|"
    r"afgeleverd)|niet (bezorgd|afgeleverd)|nie (zostało|została|mogła?o? (zostać|być)) (doręcz|dostarcz)"
    r"|nie można dostarczyć|"
    r"nebylo (možné )?doruč|kunde inte levereras|kunne ikke leveres|teslim edilemedi|zugestellt werden konnte"
    r"|konnte nicht|"
    r"تعذر (تسليم|التسليم|توصيل)|lieferung .{0,30}fehlgeschlagen",
    re.I,
)


@dataclass(slots=True)
class FailedAddress:
    """An address that a report names, and what it says about it."""

    address: str
    words: list[str] = field(default_factory=list)
    listed: bool = False
    """Whether it stands in a list or at the beginning of a line, not in a sentence."""

    @property
    def text(self) -> str:
        return "\n".join(self.words)


def divided(text: str) -> tuple[list[str], str]:
    """(the lines of the report, the returned message below it). The message begins where its headers do."""
    lines = [line[:MAX_LINE] for line in text[: MAX_LINES * MAX_LINE].split("\n")]
    for index, line in enumerate(lines[: MAX_LINES * 2]):
        if _FIRST_HEADER.match(line) and _are_headers(lines[index : index + 14]):
            top = lines[:index]
            while top and (not top[-1].strip() or (_RULE.match(top[-1]) and len(top) > 1)):
                top.pop()
            return top[:MAX_LINES], "\n".join(lines[index : index + 300])
        if index and _RULE.match(line) and not _smtp(line):
            # The message without its headers, or with headers of another form, stands below.
            rest = lines[index + 1 :]
            if not any(_smtp(later) for later in rest[:6]):
                return lines[:index][:MAX_LINES], _flush_left(rest[:300])
    return lines[:MAX_LINES], ""


def _flush_left(lines: list[str]) -> str:
    """The lines from the first that says something, without an indentation that all of them have."""
    start = next((index for index, line in enumerate(lines) if line.strip()), len(lines))
    indented = lines[start : start + 1] != [line.lstrip() for line in lines[start : start + 1]]
    return "\n".join(line.lstrip() if indented else line for line in lines[start:])


def _are_headers(lines: list[str]) -> bool:
    """Whether the lines, up to an empty one, are the headers of a message and no list of its subject and date."""
    names: set[str] = set()
    for line in lines:
        if not line.strip():
            break
        if hit := _HEADER.match(line):
            names.add(hit.group(1).lower())
    return (len(names) >= 3 and bool(names & _CERTAIN)) or (len(names) == 2 and "received" in names)


def _smtp(line: str) -> bool:
    return bool(mail_failures.ENHANCED.search(line) or re.match(r"[\s<>]{0,10}[45]\d\d[ -]", line))


def has_reply(lines: list[str]) -> bool:
    """Whether a server's answer (a code of class 4 or 5) is among the lines."""
    return any(mail_failures.ENHANCED.search(line) or mail_failures.REPLY.search(line) for line in lines)


def failed_addresses(lines: list[str], known: list[str], own: set[str]) -> list[FailedAddress]:
    """The addresses that failed, with the words about each. `known`: from the headers. `own`: what is ours."""
    places = _places(lines, own)
    if known:
        chosen = [place for place in places if place[1] in known]
        missing = [address for address in known if address not in {place[1] for place in chosen}]
    else:
        chosen, missing = _best(places), []
    found: dict[str, FailedAddress] = {}
    starts = [place[0] for place in chosen]
    for (index, address, rank), following in zip(chosen, [*starts[1:], len(lines)][: len(chosen)], strict=True):
        failed = found.setdefault(address, FailedAddress(address, listed=rank == 0))
        failed.words += _entry(lines[index : max(following, index + 1)])
    for address in missing:
        found[address] = FailedAddress(address, list(lines))
    return list(found.values())[:MAX_RECIPIENTS]


def _entry(lines: list[str]) -> list[str]:
    """The lines about one address: with a server's reply on the first, only that and what continues it."""
    if not has_reply(lines[:1]):
        return lines
    end = 1
    while end < len(lines) and lines[end].strip() and not _OTHER_ENTRY.match(lines[end]):
        end += 1
    return lines[:end]


def _places(lines: list[str], own: set[str]) -> list[tuple[int, str, int]]:
    """(line, address, rank): rank 0 is an entry of a list, 1 a command or reply that names it, 2 a phrase, 3 any."""
    places: list[tuple[int, str, int]] = []
    for index, line in enumerate(lines):
        if "@" not in line:
            continue
        blamed = not _NOT_THE_ADDRESS.search(line)
        for rank, pattern in ((0, _LONE), (0, _AT_START), (0, _AFTER_CODE), (1, _RCPT), (2, _PHRASE), (2, _NAMED)):
            if rank != 1 and not blamed and not (pattern is _AT_START and _starts(line)):
                continue
            hits = [
                hit.group(hit.lastindex or 1)
                for hit in ([pattern.match(line)] if rank == 0 else pattern.finditer(line))
                if hit
            ]
            if pattern is _LONE and not hits and line.count("@") > 1:
                hits = _list_of(line)
            places += [
                (index, each, rank)
                for hit in hits
                if (each := _plain(hit)) and each not in own and not _HELPER.match(each)
            ]
            if hits:
                break
        else:
            if blamed:
                places += [
                    (index, each, 3)
                    for found in mail_headers.addresses_in(line)
                    if (each := _plain(found)) not in own and not _HELPER.match(each)
                ]
    return places


def _starts(line: str) -> bool:
    """Whether the line begins with an address in angle brackets, as an entry of a list does."""
    return bool(re.match(rf"\s{{0,4}}<{_ADDRESS}>\s?:", line))


def _list_of(line: str) -> list[str]:
    """The addresses of a line that has nothing else, apart from commas and brackets."""
    found = mail_headers.addresses_in(line)
    return found if not re.sub(r"[\s<>,;\"']", "", re.sub("|".join(map(re.escape, found)), "", line)) else []


def _plain(address: str) -> str:
    return address.strip(".-'\"*").lower()


def generated_from(lines: list[str]) -> list[str]:
    """The addresses from which a server made the one that failed, where it does not name that."""
    return [_plain(hit.group(1)) for line in lines if (hit := _GENERATED.search(line))]


def _best(places: list[tuple[int, str, int]]) -> list[tuple[int, str, int]]:
    """The places of the best rank that there is; phrases and commands count alike."""
    if not places:
        return []
    best = min(rank for _, _, rank in places)
    return [place for place in places if place[2] == best]
