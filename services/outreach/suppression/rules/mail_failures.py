"""Why a mail was not delivered, and whether that is the address's fault: from the code and the words together.

One place for the replies of a server while a message is sent and for the delivery reports that come later. The codes
are those of RFC 3463 and 5321; the words are what mail servers write, in their languages.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass

MAX_TEXT = 2_000
"""How much of a server's words is read: the reason stands at the beginning."""

ENHANCED = re.compile(r"(?<![\w.])([245])\.(\d{1,3})\.(\d{1,3})(?![\w.]*\d|@)")
REPLY = re.compile(r"(?<![\w.#:/-])([245]\d\d)(?=[ \-:#.;,)'\"\]]|$)", re.M)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message was not delivered. `severity` None: a refusal that is not about the address (policy, content)."""

    severity: str | None
    code: str
    detail: str


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.I)


_SENDER = _words(
    r"(after|to|reply to|response to|>>>) ?(the )?mail from\b",
    r"sender (was |is |has been )?(address )?(rejected|denied|refused|blocked|invalid|unknown|not (allowed|found|exist))",
    r"\b(sender|envelope from|return[- ]path|from address|from domain|sending (address|domain|server|mta|ip|host))\b"
    r".{0,60}\b(not|reject\w*|invalid|unknown|denied|bad|blocked|does|cannot|banned|unresolv\w+)\b",
    r"(invalid|bad|unknown|unroutable|unroutable|unresolvable|blocked|banned) (sender|from|sending)\b",
    r"\b(invalid|bad|wrong) ip\b|\bfor sending\b|not a verified|(sender|mail) verif\w+ fail",
    r"verif(y|ication).{0,30}\bsender|sender verif(y|ication)|sender id\b|does not resolve.{0,40}sender",
)
_POLICY = _words(
    r"\bspam\w*|\bjunk\b|\bunsolicited|\bbulk mail|\bphish\w*|\bvirus\w*|\bmalware\b|\binfected\b|\btrojan\b",
    r"black ?-?list\w*|block ?-?list\w*|deny ?list|\b[dr]n?s?bls?\b|spamhaus|spamcop|barracuda|sorbs|senderbase|uribl|surbl",
    r"\breputation\b|\bip (address )?.{0,30}(block|banned|listed|reject)|\bblocked\b|\bbanned\b|blocked (by|due|for|using)",
    r"\bpolicy\b|\bpolicies\b|administrative(ly)? (prohibit|deni|reject|lock)|prohibited|\bforbidden\b|\bnot permitted\b",
    r"access denied|permission|\bnot (authori[sz]ed|allowed)\b|\bunauthori[sz]ed\b|restricted|\bdenied\b(?! .{0,10}user)",
    r"\bspf\b|\bdkim\b|\bdmarc\b|domain ?keys|\bauthenticat\w+|\barc\b seal|unauthenticated|\bsasl\b|\bstarttls\b|\btls\b|"
    r"must issue",
    r"\brelay(ing)?\b.{0,30}(denied|not|reject|prohibit|access|refus|unable)|\b(not|no|refuse|unable|cannot) (to )?relay",
    r"relaying|configured to relay|relay (access )?denied|we do not relay|not (a )?(gateway|relay)|open relay",
    r"\brate[- ]?limit\w*|too (many(?! hops)|much|fast)|throttl\w*|exceed\w* .{0,30}(rate|connections?|per (hour|day|minute)|limit of)"
    r"|sending limit|daily (relay )?(quota|limit)|unexpected volume|user complaints|volume of",
    r"(message|mail|e-?mail|size|length|attachment|header).{0,30}(too (big|large|long)|exceed\w*|over\w* limit)|size limit"
    r"|too (big|large) for|max\w* (message )?size|message (length|size) exceeds|(nachricht|mail) .{0,20}zu gro",
    r"\bcontent\b|attachment type|\bnon-?rfc\b|rfc ?\d{3,4}|\bnot rfc|header (error|missing|invalid)|malformed (message|header|mime)|8-?bit|"
    r"missing (header|required|to|from|date)|multiple (from|to|subject) header|bare (lf|cr)|duplicate header|suspicious",
    r"\bptr\b|reverse (dns|lookup|mapping)|\brdns\b|\bhelo\b|\behlo\b|forward[- ]confirmed|fcrdns|(unverif\w+|dynamic|"
    r"sending) ip|hostname .{0,30}(not|invalid)|cannot find your (hostname|reverse)|resolve your",
    r"greylist\w*|grey-?listed|try (again )?later|unfortunately, messages from|mail from .{1,60}(reject|refus|block|not allowed)",
    r"(rejected|refused|discarded|quarantined) (by|due to|for|because|as) |\bfilter\w*\b|security (error|polic\w+|reason)",
    r"垃圾邮件|拒信|黑名单|被拒绝|频率|发信(频率|超过)|内容(被|含)|迷惑メール|拒否|ブロック|스팸|차단|спам|заблокирован",
    r"abgelehnt wegen|spam-?verdacht|richtlinie|courrier indésirable|bloqué|politique|bloquead[oa]|no permitido|política",
    r"not (a )?member|\bsubscriber|permission to post|moderated|\bmembers? (only|of)|authori[sz]ed (senders?|to (post|send))",
)
_NOUN = _words(
    r"\b(user|recipient|mailbox|addres+ee?|account|alias|local ?part|customer|subscriber)s?\b",
)
_GONE = _words(
    r"\b(unknown|not (be )?(found|known|exist\w*|recogni[sz]ed|valid|listed|on (this )?server|here)|(does|do|did)(n['’]?t| not) "
    r"(exist|have|match)|is (unknown|invalid|nonexist\w*|obsolete)|non-?exist\w*|disabled|inactive|deactivated|terminated|deleted"
    r"|removed|closed|cancel\w+|expired|discontinued|no longer|couldn['’]t be found|wasn['’]t found|can(not|['’]t) be found"
    r"|has left|retired|undeliverable|not ok\b|is not (an )?active|not active|does not receive|refuses)",
)
_STOP = re.compile(r"[;!?]|\. ")
_BETWEEN = 60
"""How many characters may stand between what is unknown and that it is."""
_UNKNOWN = _words(
    r"\bunknown[\w\s/-]{0,20}\b(user|recipient|address|mailbox|account|alias|local|addressee)",
    r"\b(no such|not a (valid|known|registered|current)|not our|no valid|invalid|illegal|nonexistent|non-existent|inactive"
    r"|disabled|wrong|bad|incorrect|unrout\w+|no)\b[\w\s/-]{0,30}?\b(user\w*|recipients?|mailbox|account|addressee"
    r"|alias|person|customer|address|local part|(gateway|final delivery) user\w*|destination mailbox|name|receiver)\b",
    r"no mailbox|user doesn['’]t have|don['’]t have an? .{0,40}(account|user|mailbox)|do(es)?(n['’]t| not) have an? .{0,40}account",
    r"recipient ?(addr\w*)? ?(name )?(is )?(not recognized|unknown|not found|notfound)|recip\w*notfound|resolver\.adr\.\w*notfound",
    r"\bcannot be delivered. this account|no longer (valid|active|available|in use|on server|work\w*|accept\w*|with|employed|here"
    r"|exists?)|has (moved|left|been (disabled|deleted|closed|terminated|discontinued|deactivated))|\bmoved to\b|user has moved",
    r"address(ee)? (not found|unknown|does ?n['o’]t|invalid|changed)(?!.{0,40}(policy|spam|block|denied))"
    r"|bad destination mailbox|no recipients|mailbox (does not exist|not found|name not allowed|unavailable or)",
    r"not (listed|found) in .{0,40}(directory|address book|table|list|domain)|not (a )?(local|known) (address|user|here|at this)"
    r"|bad ?rcptto|bad-recipient|badrcpt|nosuchuser|not in my (validrcptto|list)|no account by that name|no one at this address"
    r"",
    r"deactivated|has been replaced by|can['o]?n?['o]?t accept user|no this user|no valid recip"
    r"|unknown (virtual )?user|invalid (mailbox|virtual|or unknown)|no such .{0,40}here|does not have an e-?mail",
    r"(user|mailbox|recipient|account) (is )?(unavailable|unknown|invalid|inactive|disabled)|requested action not taken: mailbox "
    r"unavailable|requested mail action not taken: mailbox unavailable|that (user|recipient|address|e-?mail)",
    r"unrouteable address|undeliverable address|address (you entered )?couldn['’]t be found|address not found|user not exist|"
    r"utilisateur (inconnu|inexistant)|destinataire (inconnu|inexistant)|n['’]existe pas|adresse .{0,30}(introuvable|inconnue)",
    r"empfänger (unbekannt|existiert nicht|nicht gefunden)|(benutzer|empfänger|adresse|postfach|konto).{0,40}(unbekannt|existiert"
    r" nicht|nicht gefunden|gelöscht|deaktiviert|ungültig)|unbekannte[rs]? (benutzer|empfänger|adresse)|gibt es nicht",
    r"(usuario|destinatario|buzón|dirección|cuenta|usuário|destinatário|endereço|caixa|conta|utente|casella|indirizzo)"
    r".{0,40}(desconocid\w|no existe|no se (encontró|encuentra)|no encontrad\w|desconhecid\w|não existe|não (foi )?encontrad\w"
    r"|inexist\w+|sconosciut\w|non esiste|non trovat\w|disabilitat\w|inválid\w)",
    r"(gebruiker|adres|postvak|ontvanger).{0,30}(onbekend|bestaat niet|niet gevonden)|onbekende? (gebruiker|ontvanger)",
    r"(пользовател|адрес|ящик|получател|учетн|аккаунт).{0,40}(не (существует|найден|зарегистрирован)|неизвест|отключен|удал"
    r"|заблокирован)|несуществующ|такого пользователя нет|(користувач|адрес).{0,30}не (існує|знайдено)",
    r"(użytkownik|adres|skrzynka|odbiorc).{0,30}(nie istnieje|nieznan|nie znaleziono)|(uživatel|adresa|schránka).{0,30}neexistuj",
    r"(användare|mottagare|adress\w*|bruger|modtager|bruker|mottaker).{0,30}(okänd|finns inte|findes ikke|finnes ikke|ukendt|ukjent)",
    r"(kullanıcı|alıcı|adres).{0,30}(bulunamadı|mevcut değil|bilinmiyor)",
    r"(収件人|收件人|用户|用戶|地址|帐号|账户|邮箱|收信人|使用者|信箱|帳號).{0,20}(不存在|未找到|找不到|无效|無效|被禁用|停用|已注销)|不存在|查无此人",
    r"(宛先|あて先|受信者|ユーザー?|アドレス|アカウント|メールボックス).{0,20}(不明|存在し(ませ|な)|見つかり?(ませ|ら)|無効|見つからな|ありません)",
    r"(사용자|수신자|주소|계정|메일함).{0,20}(존재하지|없|찾을 수|알 수)",
)
_NO_DOMAIN = _words(
    r"(host|domain)( or domain)?( name)?\b.{0,60}?\b(unknown|not found|(could|can|was|does)( ?not|n['’]t) (be found|found|exist|"
    r"resolve\w*)|nonexistent|invalid|has no (mx|mail))",
    r"(unknown|no such|nonexistent|non-existent|invalid|unrouteable|unroutable|bad) (mail )?(host|domain|destination (system|host)|"
    r"destination domain)",
    r"nxdomain|couldn['’]t find any host|couldn['’]t find a mail exchanger|bad destination (system|host)|bad domain|"
    r"non-?existent hosts|no (mx|a|aaaa) (or [a-z]+ )?record|host name lookup (failure|error)|name or service not known",
    r"domain .{0,40}(is(n['’]t| not) reachable|must exist|not exist)|no mail ?server (for|found)|not (an? )?(existing|valid) domain|"
    r"domain .{0,60}couldn['’]t be found|lookup of \S+ responded with code|dns ?domain ?(name )?(not|does)|"
    r"dns (error|hard error)|(域名|ドメイン|домен).{0,20}(不存在|見つかり|не (существует|найден))",
)
_NO_MAIL = _words(
    r"null ?-?mx|nullmx|does(n['’]t| not) accept (any )?(e-?)?mail|domain .{0,40}(does not|doesn['’]t) (accept|receive)|"
    r"no mx found|seems? to reject all mails?|mail receiving disabled|(host|domain|server|system) does not accept mail|"
    r"no smtp service|not accepting network messages|does not (send|receive) mail|accepts no mail|indicated no smtp|"
    r"not accepting (any )?(mail|messages)(?!.{0,30}(now|time|later|moment|from))",
)
_FULL = _words(
    r"(mail ?-?box|mailfolder|mail folder|inbox|quota|disk|storage|account|maildir|user|space).{0,40}"
    r"(full|exceed\w*|over ?quota|out of|limit)|over ?-?quota|quota ?-?(exceed|full|violation|limit)|\bfull mail ?box|"
    r"exceed\w* .{0,30}(quota|storage|space|allowed size|mailbox)|insufficient (disk|system|storage|space)|not enough (disk|space)"
    r"|(over|reached|above) (his |her |its |their |the )?(disk |mail |mailbox |storage )?quota|disk full|too many (messages|mails) (in|on)|mail ?box (size|storage)|storage (allocation|quota|limit)|resolver\.rst\.quota",
    r"(postfach|speicher|kontingent).{0,30}(voll|überschritten|erreicht)|boîte.{0,30}pleine|quota.{0,20}(dépassé|atteint)|"
    r"(buzón|casilla|caixa|casella).{0,40}(llen\w|chei\w|pien\w|excedid\w)|postvak.{0,20}vol|переполнен|квот",
    r"容量.{0,15}(超|満|不足|オーバー)|満杯|已满|已滿|超出.{0,10}(容量|配额)|空间不足|용량.{0,10}초과|가득|mappen? (er|är) full",
)
_PASSING = _words(
    r"timed? ?-?out|time-out|timeout|expired\b(?!.{0,20}(account|domain|mailbox))|retry time|too long in (the )?queue|"
    r"(been )?in the queue too long|for (\d+|several|a long) ?(hours?|days?|seconds|minutes|time)|for the last \d+|giving up on retr"
    r"|could not (be delivered|deliver) for|cannot send message for|message expired|expired before|delivery time",
    r"(connect(ion)?|socket|session).{0,40}(refused|reset|lost|closed|dropped|failed|error|broken|abort\w*)|could ?n[o'’]t (connect|"
    r"contact)|unable to (connect|contact|establish)|wasn['’]t able to establish|no route to host|network (is )?(unreachable|error)"
    r"|host (is )?(unreachable|down|not reachable)|did not accept our requests to connect|lost connection|no answer from",
    r"\bloops?\b|looping|too many hops|hop count|loops? back|mail for \S+ loops|routing loop|"
    r"(temporar\w+|transient)|deferred|delayed|will be retried|try again|service (currently |temporarily )?(un|not )available",
    r"(system|server|internal|local|protocol|configuration|mail system|software|processing|resource\w*) .{0,20}(error|problem|"
    r"failure|full|busy|shortage)|out of memory|i/o error|read[- ]only|lookup (failure|failed)|name server reply|command (died|failed)|exit (status|code)"
    r"|all hosts .{0,60}failing|dead for|warning message only|not yet been delivered",
    r"zeitüberschreitung|délai .{0,20}(dépassé|expiré)|tiempo .{0,20}agotado|タイムアウト|超时|超時|一時|暂时|暫時|временн",
)
_SUSPENDED = _words(
    r"suspen\w+|on hold|\bfrozen\b|\blocked\b|temporarily (disabled|inactive|blocked)|account (is )?(over|locked)|not been paid|"
    r"is (currently )?(inactive|disabled) (and|due|for non)|disabled due to|休止|停止|欠费|冻结|封禁",
)
_NOT_NOW = re.compile(r"(not found|error|failure)\W{1,4}(please )?try again|temporar|servfail|will be retried|name server reply", re.I)
_REJECTED = re.compile(
    r"(recipient|user|mailbox|address)( address)? (was |is |has been )?(rejected|refused|not accepted)|in reply to rcpt to"
    r"|does not like recipient|reason: \d{3} address|\b5\d\d address rejected",
    re.I,
)
"""A recipient that is refused for no reason that is named."""
_DIRECTORY_SAYS_NO = re.compile(r"recipient address rejected: access denied", re.I)
"""How Exchange Online refuses an address that its directory does not have, with 5.4.1."""
_DEAD_CODES = frozenset({(1, 1), (1, 2), (1, 3), (1, 6), (1, 10), (2, 1), (4, 4), (4, 310)})
_DEAD_REPLIES = frozenset({"550", "551", "553", "521", "556"})


_NAMED = re.compile(r"https?://([^\s<>\"/]{1,200})[^\s<>\"]{0,500}|<?[^\s<>@\"':;,]{1,200}@[^\s<>@\"':;,]{1,200}>?", re.I)


_MAYBE = re.compile(
    r"\b(may|might|could|possibly|perhaps|probably)( have| be| no longer| not){1,2} (exist|be valid|been (removed|misspelled))\w*"
    r"|可能(不存在|已)|ない可能性|möglicherweise nicht|peut ne pas exister|puede que no exista|возможно|ймовірно",
    re.I,
)
"""What a server only supposes."""


def _general(named: re.Match[str]) -> str:
    """Of a link only the host says something, and an address is only an address, whatever it is called."""
    return f" {named.group(1)} " if named.group(1) else " address "


def reason(text: str) -> str:
    """What the words of a server are about: `sender`, `full`, `domain`, `unknown`, `suspended`, `passing`,
    `policy`, `refused` (the recipient, for no reason that is named), or ""."""
    text = _MAYBE.sub(" ", " ".join(_NAMED.sub(_general, text[:MAX_TEXT]).split()))
    if not text:
        return ""
    if _FULL.search(text):
        return "full"
    if _SENDER.search(text):
        return "sender"
    if _NO_MAIL.search(text):
        return "domain"
    unknown, policy, passing = _unknown(text), _POLICY.search(text), _PASSING.search(text)
    if unknown and not (policy and policy.start() < unknown[0] and policy.end() > unknown[0]):
        return "suspended" if _SUSPENDED.search(text) else "unknown"
    if _NO_DOMAIN.search(text) and not policy:
        return "passing" if passing and _NOT_NOW.search(text) else "domain"
    if _SUSPENDED.search(text):
        return "suspended"
    if policy:
        return "policy"
    if passing:
        return "passing"
    return "refused" if _REJECTED.search(text) else ""


def _unknown(text: str) -> tuple[int, int] | None:
    """Where a text says that the recipient is unknown."""
    nouns = [hit.span() for hit in _NOUN.finditer(text)]
    ends = [end for _, end in nouns]
    for gone in _GONE.finditer(text):
        before = bisect_right(ends, gone.start()) - 1
        if before >= 0 and gone.start() - ends[before] <= _BETWEEN and not _STOP.search(text, ends[before], gone.start()):
            return nouns[before][0], gone.end()
    hit = _UNKNOWN.search(text)
    return hit.span() if hit else None


def mail_failure(code: str, detail: str = "") -> Failure:
    """A failure by its code (an enhanced status of RFC 3463 or an SMTP reply) and the server's words.

    Hard is only what is true of the address for good: unknown, closed, moved, without a mail domain. A full mailbox,
    an expired or delayed message and everything of class 4 is soft. A refusal for policy, reputation, authentication,
    rate, size or content is not about the address. `5.0.0` and a bare reply say nothing, and the words decide.
    """
    hit = ENHANCED.search(code) or ENHANCED.search(detail[:MAX_TEXT])
    words = detail[:MAX_TEXT]
    reply = REPLY.search(code) or REPLY.search(words)
    shown = hit.group(0) if hit else code
    about = reason(words)
    if hit and hit.group(0) == "5.4.1" and _DIRECTORY_SAYS_NO.search(_NAMED.sub(" ", words).replace("  ", " ")):
        severity: str | None = "hard"
    elif hit:
        severity = _by_status(hit.group(1), int(hit.group(2)), int(hit.group(3)), about)
    elif code[:1] in ("4", "5") or reply:
        severity = _by_reply(code[:3] if code[:1] in ("4", "5") else reply.group(1) if reply else "", about, bool(words.strip()))
    else:
        severity = _BY_REASON.get(about)
    return Failure(severity, shown, detail)


_BY_REASON = {"unknown": "hard", "refused": "hard", "domain": "hard", "full": "soft", "passing": "soft", "suspended": "soft", "": "soft"}
"""What the words alone lead to; whatever is not in here is not about the address."""


def _by_status(status: str, subject: int, number: int, about: str) -> str | None:
    if status == "2":
        return None
    if status == "4":
        return None if about in ("policy", "sender") and subject == 7 else "soft"
    if subject in (6, 7):
        return "hard" if about in ("unknown", "domain") and subject == 7 and number in (0, 1) else None
    if (subject, number) in ((1, 7), (1, 8), (2, 3), (3, 4)):
        return None
    if (subject, number) == (2, 2):
        return "soft"
    if (subject, number) in _DEAD_CODES:
        return {"policy": None, "sender": None, "full": "soft", "suspended": "soft", "passing": "soft"}.get(about, "hard")
    if subject == 4 and number in (7, 316):
        return "soft"
    if subject == 1 and not about:
        return "hard"
    return _BY_REASON.get(about)


def _by_reply(code: str, about: str, has_words: bool) -> str | None:
    if code[:1] == "4":
        return None if about in ("policy", "sender") else "soft"
    if code[:1] != "5":
        return _BY_REASON.get(about)
    if code in _DEAD_REPLIES and not has_words:
        return "hard"
    return _BY_REASON.get(about)
