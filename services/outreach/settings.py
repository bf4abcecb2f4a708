"""Settings of the outreach service: environment variables `LEADFLOW_OUTREACH_*`."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, field_validator, model_validator

from shared.names import is_tenant
from shared.settings import ServiceSettings, service_config

_PORTS = {"tls": 993, "starttls": 143, "none": 143}


class ImapAccount(BaseModel):
    """A folder of a mail account, whose mails are received for one tenant."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]*$")
    """Names the account in logs and metrics, and finds how far it has been read."""
    tenant: str
    host: str = Field(min_length=1)
    port: int = Field(default=0, ge=0, le=65_535)
    """0: 993 with TLS, else 143."""
    user: str = Field(min_length=1)
    password: SecretStr = SecretStr("")
    password_file: Path | None = None
    token_file: Path | None = None
    """An OAuth 2.0 access token, for XOAUTH2. It is read for each login, so that another program may renew it."""
    folder: str = Field(default="INBOX", min_length=1)
    security: Literal["tls", "starttls", "none"] = "tls"
    ca_file: Path | None = None
    """Authorities that the server's certificate is verified by, instead of the system's."""
    after: Literal["keep", "seen", "move"] = "keep"
    """What happens to a mail that is stored: nothing, it is marked as seen, or it is moved to `move_to`."""
    move_to: str = ""

    @field_validator("tenant")
    @classmethod
    def _names_a_tenant(cls, tenant: str) -> str:
        if not is_tenant(tenant):
            raise ValueError("is not the name of a tenant")
        return tenant

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        ways = [bool(self.password.get_secret_value()), self.password_file is not None, self.token_file is not None]
        if sum(ways) != 1:
            raise ValueError("give one of password, password_file and token_file")
        if (self.after == "move") != bool(self.move_to):
            raise ValueError("move_to is given with after: move, and only then")
        if self.move_to == self.folder:
            raise ValueError("move_to is the folder that is read")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port or _PORTS[self.security]

    @property
    def mailbox(self) -> str:
        """What is read: it stays the same when only a password changes."""
        return f"{self.user}@{self.host.lower()}/{self.folder}"


_ACCOUNTS = TypeAdapter(list[ImapAccount])


class Settings(ServiceSettings):
    """How messages are sent and received, which language model composes drafts, and the secret of keyed hashes."""

    model_config = service_config("outreach")

    secret: SecretStr = SecretStr("")
    """Keys the hashes of addresses and signs links. Empty: the key that migration 0001 stored in the database."""
    public_url: str = "http://127.0.0.1:8105"
    """Also in the unsubscribe links of mails and in the callbacks of providers, where there is no request."""
    mail_domain: str = "leadflow.example"
    """A tenant that has set no mailboxes sends as `sales@<tenant>.<mail_domain>`; from there only it may send."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 587
    """The port of submission (RFC 6409). At 465 TLS begins with the connection, and `smtp_starttls` says nothing."""
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_starttls: bool = True
    """Whether the connection is encrypted before anything is said; False for a mail server of the same machine."""
    smtp_timeout: float = Field(default=30.0, gt=0)
    """Seconds for each step of the SMTP conversation."""
    smtp_answer_timeout: float = Field(default=600.0, gt=0)
    """Seconds for the answer to a whole message (RFC 5321, 4.5.3.2.6: ten minutes)."""
    send_limit: float = Field(default=780.0, gt=0)
    """Seconds for one whole attempt; after them the outcome is unknown. The lease is twice as long."""
    senders: int = Field(default=4, ge=1, le=50)
    """How many messages one process sends at the same time."""

    sms_provider: str = Field(default="", pattern="^(|file|twilio)$")
    """Without one text messages wait; `file`, for trying out, writes them to `sms_file` and sends nothing."""
    sms_file: Path = Path(".leadflow/sms.jsonl")
    sms_from: str = "+12025550100"
    """What a tenant's text messages are sent from that has set nothing else: a number or a name, of nobody's own."""
    sms_senders: dict[str, list[str]] = Field(default_factory=dict)
    """The numbers and names that tenants may set as `sms_from`: a JSON object of tenants. Each belongs to one."""
    sms_url: str = "https://api.twilio.com"
    sms_account: str = ""
    sms_token: SecretStr = SecretStr("")

    llm_base_url: str = ""
    llm_api_key: SecretStr = SecretStr("")
    llm_model: str = ""
    llm_timeout: float = Field(default=20.0, gt=0)
    llm_daily_tokens: int = Field(default=500_000, ge=0)
    """Tokens that a tenant may use in a day; after them templates compose its drafts."""

    imap_accounts: list[ImapAccount] = Field(default_factory=list)
    """The accounts whose mails are received, as a JSON list."""
    imap_accounts_file: Path | None = None
    """A file with such a list, besides or instead."""
    imap_poll_seconds: float = Field(default=30.0, gt=0)
    """How often an account is looked at whose server does not announce new mails (IDLE)."""

    inbound_max_age: float = Field(default=900.0, gt=0)
    """Seconds for which a signed webhook of Mailgun or SendGrid is accepted."""
    inbound_mailgun_key: SecretStr = SecretStr("")
    """The HTTP webhook signing key."""
    inbound_sendgrid_public_key: str = ""
    """The public key of a signed Parse webhook, in base64. Without it `inbound_sendgrid_login` has to be in the URL."""
    inbound_sendgrid_login: SecretStr = SecretStr("")
    """`user:password` for https://user:password@host/..."""
    inbound_postmark_login: SecretStr = SecretStr("")
    inbound_ses_topics: dict[str, str] = Field(default_factory=dict)
    """The SNS topics that mails are accepted from, each with its tenant: a JSON object of topic ARNs."""

    poll_seconds: float = Field(default=0.5, gt=0)
    """How often the workers look for due work when nothing wakes them."""

    @property
    def has_language_model(self) -> bool:
        """Whether a language model composes drafts; otherwise the templates do."""
        return bool(self.llm_base_url and self.llm_model)

    def may_text_from(self, tenant: str, sender: str) -> bool:
        """Whether the tenant's text messages may come from this number or name. Spaces and case make no other one."""
        return _same(sender) in {_same(own) for own in (self.sms_from, *self.sms_senders.get(tenant, ()))}

    @field_validator("sms_senders")
    @classmethod
    def _belong_to_one_tenant(cls, given: dict[str, list[str]]) -> dict[str, list[str]]:
        if unknown := [tenant for tenant in given if not is_tenant(tenant)]:
            raise ValueError(f"{unknown[0]!r} is not the name of a tenant")
        owners: dict[str, str] = {}
        for tenant, senders in given.items():
            for sender in senders:
                if owners.setdefault(_same(sender), tenant) != tenant:
                    raise ValueError(f"{sender} is given to two tenants")
        return given

    @model_validator(mode="after")
    def _read_accounts(self) -> Self:
        accounts = list(self.imap_accounts)
        if self.imap_accounts_file is not None:
            accounts += _ACCOUNTS.validate_json(self.imap_accounts_file.read_bytes())
        names = [account.name for account in accounts]
        if len(set(names)) != len(names):
            raise ValueError("two IMAP accounts have the same name")
        self.imap_accounts = accounts
        return self


def _same(sender: str) -> str:
    return sender.replace(" ", "").casefold()
