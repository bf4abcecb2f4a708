"""A session with an IMAP server (RFC 3501; IDLE: RFC 2177, MOVE: RFC 6851, UIDPLUS: RFC 4315, XOAUTH2).

Every method blocks, and is called in the thread of its account. Whatever the network or the server does is raised as
one of `TROUBLE`; `IMAPClientAbortError` and `OSError` among them mean that the connection is gone.
"""

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import structlog
from imapclient import SEEN, IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from services.outreach.settings import ImapAccount

log = structlog.get_logger()

TROUBLE = (IMAPClientError, OSError, EOFError, ValueError)
"""What a session raises; ValueError for an answer that is not IMAP."""
BROKEN = (IMAPClientAbortError, OSError, EOFError)
"""Those that mean that the connection is gone. A refusal (NO, BAD) leaves it usable."""
REFUSED_LOGIN = LoginError

LARGEST = 25 * 1024 * 1024
"""Bytes of the largest mail that is taken whole."""
FIRST_PART = 1024 * 1024
"""Bytes that are taken of a larger one: its headers, and the part that the writer wrote."""
_FIRST_WINDOW, _WINDOW = 200, 800
"""Messages that are looked at together. A folder may have millions, few are new, and a command may have 8 KB."""
_TIMEOUT = 30.0
"""Seconds for each step of the conversation."""


@dataclass(frozen=True, slots=True)
class Selected:
    """The folder as the server described it when it was opened. `uidnext`: 0 where the server does not say."""

    uidvalidity: int
    uidnext: int
    messages: int


@dataclass(frozen=True, slots=True)
class FetchedMail:
    """A mail, or the reason why it is none: `raw` None with `refusal` None is a mail that was deleted meanwhile.

    `broken`: the connection ended while it was fetched.
    """

    uid: int
    raw: bytes | None
    refusal: str | None = None
    broken: bool = False


class _Client(IMAPClient):
    """IMAPClient with an IDLE of its own, in which nothing is lost and no line has to arrive in one piece.

    IMAPClient waits for the socket, but what arrived together with the answer to IDLE has left the socket already; it
    takes anything that comes before that answer for an error, and a line of which a part has arrived as well.
    """

    def idle(self) -> bool:
        """Enter IDLE; whether the server reported something before it agreed."""
        self._idle_tag = self._imap._command("IDLE")
        reported = False
        while self._imap._get_response() is not None:
            reported = True
            if self._imap.tagged_commands.get(self._idle_tag):
                raise IMAPClientError("the server refuses IDLE")
        return reported

    def has_more(self, seconds: float) -> bool:
        """Whether the server has sent something that was not read yet, or does within some seconds."""
        connection = self.socket()
        connection.setblocking(False)
        try:
            if (getattr(self._imap, "_file", None) or self._imap.file).peek(1):
                return True
        except (BlockingIOError, ssl.SSLWantReadError):
            pass  # nothing is buffered, by TLS neither
        finally:
            connection.setblocking(True)
            self._set_read_timeout()
        return bool(self._poll_socket(connection, seconds))


class ImapSession:
    """A connection that has logged in. `idles`: whether the server tells of new mails by itself."""

    def __init__(self, account: ImapAccount, client: _Client) -> None:
        self._account = account
        self._client = client
        self.idles = client.has_capability("IDLE")
        self.idling_since: float | None = None

    @classmethod
    def open(cls, account: ImapAccount) -> "ImapSession":
        """Connect and log in. REFUSED_LOGIN when the server does not accept the credentials."""
        tls, starttls = account.security == "tls", account.security == "starttls"
        ca_file = str(account.ca_file) if account.ca_file else None
        context = ssl.create_default_context(cafile=ca_file) if tls or starttls else None
        host, port = account.address
        client = _Client(host, port, ssl=tls, ssl_context=context if tls else None, timeout=_TIMEOUT)
        try:
            if starttls:
                client.starttls(context)
            if account.token_file is not None:
                client.oauth2_login(account.user, _secret(account.token_file))
            else:
                client.login(account.user, _password(account))
            return cls(account, client)
        except LoginError as error:
            _hang_up(client)
            if isinstance(error.__context__, BROKEN):  # IMAPClient takes a lost connection for a wrong password
                raise IMAPClientAbortError(str(error)) from None
            raise
        except BaseException:
            _hang_up(client)
            raise

    def select(self) -> Selected:
        """Open the folder: to read only, unless mails are to be marked."""
        self.leave_idle()
        read_only = self._account.after == "keep"
        answer = self._client.select_folder(self._account.folder, readonly=read_only)
        return Selected(int(answer[b"UIDVALIDITY"]), int(answer.get(b"UIDNEXT", 0)), int(answer.get(b"EXISTS", 0)))

    def uids_after(self, uid: int, messages: int) -> list[int]:
        """The UIDs above `uid` among the folder's messages, in order. It looks from the newest ones backwards.

        Backwards, because messages that are deleted meanwhile move the others towards the beginning: so none is missed.
        """
        found: set[int] = set()
        high, window = messages, _FIRST_WINDOW
        while high > 0:
            low = max(1, high - window + 1)
            uids = self._uids(low, high)
            found |= {each for each in uids if each > uid}
            if min(uids, default=0) <= uid:
                break
            high, window = low - 1, _WINDOW
        return sorted(found)

    def _uids(self, low: int, high: int) -> set[int]:
        """The UIDs of the folder's messages by their place in it.

        By FETCH, which has a line for each: SEARCH has one line for all, and some servers take its two sets for one.
        """
        self._client.use_uid = False
        try:
            answer = self._client.fetch(range(low, high + 1), ["UID"])
        finally:
            self._client.use_uid = True
        return {int(data[b"UID"]) for data in answer.values() if b"UID" in data}

    def fetch(self, uids: Sequence[int], *, most_bytes: int) -> list[FetchedMail]:
        """Fetch mails one by one, until they have `most_bytes` or the connection ends."""
        fetched: list[FetchedMail] = []
        total = 0
        sizes: dict[int, int] = {}
        for uid in uids:
            try:
                if not fetched:
                    sizes = self._sizes(uids)
                mail = self._fetch_one(uid, sizes.get(uid))
            except BROKEN as error:
                fetched.append(FetchedMail(uid, None, reason(error), broken=True))
                break
            except (IMAPClientError, ValueError) as error:
                mail = FetchedMail(uid, None, reason(error))
            fetched.append(mail)
            total += len(mail.raw or b"")
            if total >= most_bytes:
                break
        return fetched

    def _sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """The sizes of mails, as far as the server says them."""
        try:
            answer = self._client.fetch(uids, ["RFC822.SIZE"])
        except BROKEN:
            raise
        except (IMAPClientError, ValueError):
            return {}  # one mail that the server cannot read spoils the answer for all
        return {uid: int(data[b"RFC822.SIZE"]) for uid, data in answer.items() if b"RFC822.SIZE" in data}

    def _fetch_one(self, uid: int, size: int | None) -> FetchedMail:
        if size is None:
            size = self._client.fetch([uid], ["RFC822.SIZE"]).get(uid, {}).get(b"RFC822.SIZE")
            if size is None:
                return FetchedMail(uid, None)
        wanted, key = "BODY.PEEK[]", b"BODY[]"
        if size > LARGEST:
            log.warning(
                "imap.too_large", account=self._account.name, tenant=self._account.tenant, uid=uid, bytes=size,
                kept=FIRST_PART,
            )  # fmt: skip
            wanted, key = f"BODY.PEEK[]<0.{FIRST_PART}>", b"BODY[]<0>"
        data = self._client.fetch([uid], [wanted]).get(uid)
        if data is None:
            return FetchedMail(uid, None)
        raw = data.get(key)
        return FetchedMail(uid, raw, None if raw is not None else "the server's answer has no mail")

    def mark(self, uids: Sequence[int]) -> None:
        """Mark mails that are stored, as the account's `after` says."""
        if self._account.after == "seen":
            self._client.add_flags(uids, [SEEN], silent=True)
        elif self._account.after == "move":
            if self._client.has_capability("MOVE"):
                self._client.move(uids, self._account.move_to)
            elif self._client.has_capability("UIDPLUS"):
                self._client.copy(uids, self._account.move_to)
                self._client.delete_messages(uids, silent=True)
                self._client.uid_expunge(uids)
            else:
                # EXPUNGE alone would also remove what other people have marked as deleted.
                raise IMAPClientError("the server can neither move mails nor remove single ones")

    def wait(self, seconds: float) -> bool:
        """Wait for the server to say something, in IDLE; whether it did."""
        if self.idling_since is None:
            reported = self._client.idle()
            self.idling_since = monotonic()
            if reported:
                return True
        return self._client.has_more(seconds)

    def leave_idle(self) -> None:
        """End IDLE, if it is on."""
        if self.idling_since is not None:
            self.idling_since = None
            self._client.idle_done()

    def close(self) -> None:
        """End the session, politely where that is possible."""
        try:
            self.leave_idle()
            self._client.logout()
        except TROUBLE:
            _hang_up(self._client)

    def hang_up(self) -> None:
        """End the connection at once."""
        _hang_up(self._client)


def reason(error: BaseException) -> str:
    """What went wrong, in a line that fits into the log."""
    return f"{type(error).__name__}: {error}"[:300]


def _password(account: ImapAccount) -> str:
    if account.password_file is not None:
        return _secret(account.password_file)
    return account.password.get_secret_value()


def _secret(path: Path) -> str:
    """A secret from a file, read anew for each login: another program may renew it."""
    return path.read_text(encoding="utf-8").strip()


def _hang_up(client: IMAPClient) -> None:
    """End the connection. A thread that waits for the server comes back first: it holds what is closed after."""
    for end in (lambda: client.socket().shutdown(socket.SHUT_RDWR), client.shutdown):
        try:
            end()
        except TROUBLE:
            pass
