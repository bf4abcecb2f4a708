"""What mail servers write when they do not deliver, by what it is about, in their languages.

The texts that are compared are in lower case, an address is the word `address`, and of a link only the host is left.
"""

import re


def _words(*patterns: str) -> re.Pattern[str]:
    # Texts are in lower case already: ignoring the case would double the time.
    return re.compile("|".join(patterns))


SENDER = _words(
    r"(after|to|reply to|response to|>>>) ?(the )?mail from\b",
    r"sender (was |is |has been )?(address )?(rejected|denied|refused|blocked|invalid|unknown|not (allowed|found"
    r"|exist))",
    r"\b(sender|envelope from|return[- ]path|from address|from domain|sending (address|domain|server|mta|ip|host))\b"
    r".{0,60}\b(not|reject\w*|invalid|unknown|denied|bad|blocked|does|cannot|banned|unresolv\w+)\b",
    r"(invalid|bad|unknown|unroutable|unroutable|unresolvable|blocked|banned) (sender|from|sending)\b",
    r"\b(invalid|bad|wrong) ip\b|\bfor sending\b|not a verified|(sender|mail) verif\w+ fail",
    r"verif(y|ication).{0,30}\bsender|sender verif(y|ication)|sender id\b|does not resolve.{0,40}sender",
)
POLICY = _words(
    r"\bspam\w*|\bjunk\b|\bunsolicited|\bbulk mail|\bphish\w*|\bvirus\w*|\bmalware\b|\binfected\b|\btrojan\b",
    r"black ?-?list\w*|block ?-?list\w*|deny ?list|\b[dr]n?s?bls?\b|spamhaus|spamcop|barracuda|sorbs|senderbase"
    r"|uribl|surbl",
    r"\breputation\b|\bip (address )?.{0,30}(block|banned|listed|reject)|\bblocked\b|\bbanned\b|blocked (by|due|for"
    r"|using)",
    r"\bpolicy\b|\bpolicies\b|administrative(ly)? (prohibit|deni|reject|lock)|prohibited|\bforbidden\b"
    r"|\bnot permitted\b",
    r"access denied|permission|\bnot (authori[sz]ed|allowed)\b|\bunauthori[sz]ed\b|restricted"
    r"|\bdenied\b(?! .{0,10}user)",
    r"\bspf\b|\bdkim\b|\bdmarc\b|domain ?keys|\bauthenticat\w+|\barc\b seal|unauthenticated|\bsasl\b|\bstarttls\b"
    r"|\btls\b|"
    r"must issue",
    r"\brelay(ing)?\b.{0,30}(denied|not|reject|prohibit|access|refus|unable)|\b(not|no|refuse|unable"
    r"|cannot) (to )?relay",
    r"relaying|configured to relay|relay (access )?denied|we do not relay|not (a )?(gateway|relay)|open relay",
    r"\brate[- ]?limit\w*|too (many(?! hops)|much|fast)|throttl\w*|exceed\w* .{0,30}(rate|connections?|per (hour|day"
    r"|minute)|limit of)"
    r"|sending limit|daily (relay )?(quota|limit)|unexpected volume|user complaints|volume of",
    r"(message|mail|e-?mail|size|length|attachment|header).{0,30}(too (big|large|long)|exceed\w*|over\w* limit)"
    r"|size limit"
    r"|too (big|large) for|max\w* (message )?size|message (length|size) exceeds|(nachricht|mail) .{0,20}zu gro",
    r"\bcontent\b|attachment type|\bnon-?rfc\b|rfc ?\d{3,4}|\bnot rfc|header (error|missing|invalid)"
    r"|malformed (message|header|mime)|8-?bit|"
    r"missing (header|required|to|from|date)|multiple (from|to|subject) header|bare (lf|cr)|duplicate header"
    r"|suspicious",
    r"\bptr\b|reverse (dns|lookup|mapping)|\brdns\b|\bhelo\b|\behlo\b|forward[- ]confirmed|fcrdns|(unverif\w+|dynamic|"
    r"sending) ip|hostname .{0,30}(not|invalid)|cannot find your (hostname|reverse)|resolve your",
    r"greylist\w*|grey-?listed|try (again )?later|unfortunately, messages from|mail from .{1,60}(reject|refus|block"
    r"|not allowed)",
    r"(rejected|refused|discarded|quarantined) (by|due to|for|because|as) |\bfilter\w*\b|security (error|polic\w+"
    r"|reason)",
    r"垃圾邮件|拒信|黑名单|被拒绝|频率|发信(频率|超过)|内容(被|含)|迷惑メール|拒否|ブロック|스팸|차단|спам|заблокирован",
    r"abgelehnt wegen|spam-?verdacht|richtlinie|courrier indésirable|bloqué|politique|bloquead[oa]|no permitido"
    r"|política",
    r"not (a )?member|\bsubscriber|permission to post|moderated|\bmembers? (only|of)|authori[sz]ed (senders?"
    r"|to (post|send))",
)
NOUN = _words(
    r"(?<!ip )(?<!your )(?<!sender )(?<!from )(?<!sending )(?<!return )(?<!client )(?<!helo )"
    r"\b(user|recipient|mailbox|addres+ee?|account|alias|local ?part|customer|subscriber)s?\b",
)
GONE = _words(
    r"\b(unknown|not (be )?(found|known|exist\w*|recogni[sz]ed|valid|listed|on (this )?server|here)|(does|do"
    r"|did)(n['’]?t| not) "
    r"(exist|have|match)|is (unknown|invalid|nonexist\w*|obsolete)|non-?exist\w*|disabled|inactive|deactivated"
    r"|terminated|deleted"
    r"|removed|closed|cancel\w+|expired|discontinued|no longer|couldn['’]t be found|wasn['’]t found|can(not"
    r"|['’]t) be found"
    r"|has left|retired|undeliverable|not ok\b|is not (an )?active|not active|does not receive|refuses)",
)
STOP = re.compile(r"[;!?]|\. ")
BETWEEN = 60
"""How many characters may stand between what is unknown and that it is."""
UNKNOWN = _words(
    r"\bunknown[\w\s/-]{0,20}\b(user|recipient|address|mailbox|account|alias|local|addressee)",
    r"(?<!too many )\b(no such|not a (valid|known|registered|current)|not our|no valid|invalid|illegal|nonexistent"
    r"|non-existent"
    r"|inactive"
    r"|disabled|wrong|bad|incorrect|unrout\w+|no)\b[\w\s/-]{0,30}?\b(user\w*|recipients?|mailbox|account|addressee"
    r"|alias|person|customer|address|local part|(gateway|final delivery) user\w*|destination mailbox|name|receiver)\b",
    r"no mailbox|user doesn['’]t have|don['’]t have an? .{0,40}(account|user|mailbox)|do(es)?(n['’]t"
    r"| not) have an? .{0,40}account",
    r"recipient ?(addr\w*)? ?(name )?(is )?(not recognized|unknown|not found|notfound)|recip\w*notfound"
    r"|resolver\.adr\.\w*notfound",
    r"\bcannot be delivered. this account|no longer (valid|active|available|in use|on server|work\w*|accept\w*|with"
    r"|employed|here"
    r"|exists?)|has (moved|left|been (disabled|deleted|closed|terminated|discontinued|deactivated))|\bmoved to\b"
    r"|user has moved",
    r"address(ee)? (not found|unknown|does ?n['o’]t|invalid|changed)(?!.{0,40}(policy|spam|block|denied))"
    r"|bad destination mailbox|no recipients|mailbox (does not exist|not found|name not allowed|unavailable or)",
    r"not (listed|found) in .{0,40}(directory|address book|table|list|domain)|not (a )?(local|known) (address|user"
    r"|here|at this)"
    r"|bad ?rcptto|bad-recipient|badrcpt|nosuchuser|not in my (validrcptto|list)|no account by that name"
    r"|no one at this address"
    r"",
    r"user not local|deactivated|has been replaced by|can['o]?n?['o]?t accept user|no this user|no valid recip"
    r"|unknown (virtual )?user|invalid (mailbox|virtual|or unknown)|no such .{0,40}here|does not have an e-?mail",
    r"(user|mailbox|recipient|account) (is )?(unavailable|unknown|invalid|inactive|disabled)"
    r"|requested action not taken: mailbox "
    r"unavailable|requested mail action not taken: mailbox unavailable|that (user|recipient|address|e-?mail)",
    r"unrouteable address|undeliverable address|address (you entered )?couldn['’]t be found|address not found"
    r"|user not exist|"
    r"utilisateur (inconnu|inexistant)|destinataire (inconnu|inexistant)|n['’]existe pas|adresse .{0,30}(introuvable"
    r"|inconnue)",
    r"empfänger (unbekannt|existiert nicht|nicht gefunden)|(benutzer|empfänger|adresse|postfach"
    r"|konto).{0,40}(unbekannt|existiert"
    r" nicht|nicht gefunden|gelöscht|deaktiviert|ungültig)|unbekannte[rs]? (benutzer|empfänger|adresse)|gibt es nicht",
    r"(usuario|destinatario|buzón|dirección|cuenta|usuário|destinatário|endereço|caixa|conta|utente|casella|indirizzo)"
    r".{0,40}(desconocid\w|no existe|no se (encontró|encuentra)|no encontrad\w|desconhecid\w|não existe"
    r"|não (foi )?encontrad\w"
    r"|inexist\w+|sconosciut\w|non esiste|non trovat\w|disabilitat\w|inválid\w)",
    r"(casilla|buzón|cuenta|caixa|conta|casella|compte|boîte).{0,30}(expirad|expirou|scadut|cancelad|desactivad|de baja"
    r"|desativad|eliminad|excluíd|disattivat|désactivé|supprimé|fermé)",
    r"(gebruiker|adres|postvak|ontvanger).{0,30}(onbekend|bestaat niet|niet gevonden)|onbekende? (gebruiker|ontvanger)",
    r"(пользовател|адрес|ящик|получател|учетн|аккаунт).{0,40}(не (существует|найден|зарегистрирован)|неизвест"
    r"|отключен|удал"
    r"|заблокирован)|несуществующ|такого пользователя нет|(користувач|адрес).{0,30}не (існує|знайдено)",
    r"(użytkownik|adres|skrzynka|odbiorc).{0,30}(nie istnieje|nieznan|nie znaleziono)|(uživatel|adresa"
    r"|schránka).{0,30}neexistuj",
    r"(användare|mottagare|adress\w*|bruger|modtager|bruker|mottaker).{0,30}(okänd|finns inte|findes ikke"
    r"|finnes ikke|ukendt|ukjent)",
    r"(kullanıcı|alıcı|adres).{0,30}(bulunamadı|mevcut değil|bilinmiyor)",
    r"(収件人|收件人|用户|用戶|地址|帐号|账户|邮箱|收信人|使用者|信箱|帳號).{0,20}(不存在|未找到|找不到|无效|無效|被禁用|停用|已注销)|不存在|查无此人",
    r"(宛先|あて先|受信者|ユーザー?|アドレス|アカウント|メールボックス).{0,20}(不明|存在し(ませ|な)|見つかり?(ませ|ら)|無効|見つからな|ありません)",
    r"(사용자|수신자|주소|계정|메일함).{0,20}(존재하지|없|찾을 수|알 수)",
)
NO_DOMAIN = _words(
    r"(host|domain)( or domain)?( name)?\b.{0,60}?\b(unknown|not found|(could|can|was|does)( ?not|n['’]t) (be found"
    r"|found|exist|"
    r"resolve\w*)|nonexistent|invalid|has no (mx|mail))",
    r"(unknown|no such|nonexistent|non-existent|invalid|unrouteable|unroutable|bad) (mail )?(host|domain"
    r"|destination (system|host)|"
    r"destination domain)",
    r"nxdomain|couldn['’]t find any host|couldn['’]t find a mail exchanger|bad destination (system|host)|bad domain|"
    r"non-?existent hosts|no (mx|a|aaaa) (or [a-z]+ )?record|host name lookup (failure|error)"
    r"|name or service not known",
    r"domain .{0,40}(is(n['’]t| not) reachable|must exist|not exist)|no mail ?server (for|found)"
    r"|not (an? )?(existing|valid) domain|"
    r"domain .{0,60}couldn['’]t be found|lookup of \S+ responded with code|dns ?domain ?(name )?(not|does)|"
    r"dns (error|hard error)|(域名|ドメイン|домен).{0,20}(不存在|見つかり|не (существует|найден))",
)
NO_MAIL = _words(
    r"null ?-?mx|nullmx|does(n['’]t| not) accept (any )?(e-?)?mail|domain .{0,40}(does not|doesn['’]t) (accept"
    r"|receive)|"
    r"no mx found|seems? to reject all mails?|mail receiving disabled|(host|domain|server|system) does not accept mail|"
    r"no smtp service|not accepting network messages|does not (send|receive) mail|accepts no mail|indicated no smtp|"
    r"not accepting (any )?(mail|messages)(?!.{0,30}(now|time|later|moment|from))",
)
FULL = _words(
    r"(mail ?-?box|mailfolder|mail folder|inbox|quota|disk|storage|account|maildir|user|space).{0,40}"
    r"(full|exceed\w*|over ?quota|out of|limit)|over ?-?quota|quota ?-?(exceed|full|violation|limit)|\bfull mail ?box|"
    r"exceed\w* .{0,30}(quota|storage|space|allowed size|mailbox)|insufficient (disk|system|storage|space)"
    r"|not enough (disk|space)"
    r"|(over|reached|above) (his |her |its |their |the )?(disk |mail |mailbox |storage )?quota|disk full"
    r"|too many (messages|mails) (in|on)|mail ?box (size|storage)|storage (allocation|quota|limit)"
    r"|resolver\.rst\.quota",
    r"(postfach|speicher|kontingent).{0,30}(voll|überschritten|erreicht)|boîte.{0,30}pleine|quota.{0,20}(dépassé|atteint)|"
    r"(buzón|casilla|caixa|casella).{0,40}(llen\w|chei\w|pien\w|excedid\w)|postvak.{0,20}vol|переполнен|квот",
    r"容量.{0,15}(超|満|不足|オーバー)|満杯|已满|已滿|超出.{0,10}(容量|配额)|空间不足|용량.{0,10}초과|가득"
    r"|mappen? (er|är) full",
)
PASSING = _words(
    r"timed? ?-?out|time-out|timeout|expired\b(?!.{0,20}(account|domain|mailbox))|retry time|too long in (the )?queue|"
    r"(been )?in the queue too long|for (\d+|several|a long) ?(hours?|days?|seconds|minutes|time)|for the last \d+"
    r"|giving up on retr"
    r"|could not (be delivered|deliver) for|cannot send message for|message expired|expired before|delivery time",
    r"(connect(ion)?|socket|session).{0,40}(refused|reset|lost|closed|dropped|failed|error|broken|abort\w*)"
    r"|could ?n[o'’]t (connect|"
    r"contact)|unable to (connect|contact|establish)|wasn['’]t able to establish|no route to host"
    r"|network (is )?(unreachable|error)"
    r"|host (is )?(unreachable|down|not reachable)|did not accept our requests to connect|lost connection"
    r"|no answer from",
    r"\bloops?\b|looping|too many hops|hop count|loops? back|mail for \S+ loops|routing loop|"
    r"(temporar\w+|transient)|deferred|delayed|will be retried|try again|service (currently |temporarily )?(un"
    r"|not )available",
    r"(system|server|internal|local|protocol|configuration|mail system|software|processing"
    r"|resource\w*) .{0,20}(error|problem|"
    r"failure|full|busy|shortage)|out of memory|i/o error|read[- ]only|lookup (failure|failed)|name server reply"
    r"|command (died|failed)|exit (status|code)"
    r"|all hosts .{0,60}failing|dead for|warning message only|not yet been delivered",
    r"zeitüberschreitung|délai .{0,20}(dépassé|expiré)|tiempo .{0,20}agotado|タイムアウト|超时|超時|一時|暂时|暫時"
    r"|временн",
)
SUSPENDED = _words(
    r"suspen\w+|on hold|\bfrozen\b|\blocked\b|temporarily (disabled|inactive|blocked)|account (is )?(over|locked)"
    r"|not been paid|"
    r"is (currently )?(inactive|disabled) (and|due|for non)|disabled due to|休止|停止|欠费|冻结|封禁",
)
REJECTED = re.compile(
    r"(recipient|user|mailbox|address)( address)? (was |is |has been )?(rejected|refused|not accepted)"
    r"|in reply to rcpt to"
    r"|does not like recipient|reason: \d{3} address|\b5\d\d address rejected",
    re.I,
)
"""A recipient that is refused for no reason that is named."""
