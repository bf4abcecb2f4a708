"""Settings of the outreach service: environment variables `LEADFLOW_OUTREACH_*`."""

from pathlib import Path

from pydantic import Field, SecretStr

from shared.settings import ServiceSettings, service_config


class Settings(ServiceSettings):
    """How messages are sent and received, which language model composes drafts, and the secret of keyed hashes."""

    model_config = service_config("outreach")

    secret: SecretStr = SecretStr("")
    """Keys the hashes of addresses and signs links. Empty: the key that migration 0001 stored in the database."""
    public_url: str = "http://127.0.0.1:8105"
    """The public address of this service (unsubscribe links, provider callbacks), without a trailing slash."""
    mail_domain: str = "leadflow.example"
    """A tenant that has set no mailboxes sends as `sales@<tenant>.<mail_domain>`; from there only it may send."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 8125
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_starttls: bool = False
    smtp_timeout: float = Field(default=30.0, gt=0)
    """Seconds for each step of the SMTP conversation."""
    smtp_answer_timeout: float = Field(default=600.0, gt=0)
    """Seconds for the answer to a whole message (RFC 5321, 4.5.3.2.6: ten minutes)."""
    send_limit: float = Field(default=780.0, gt=0)
    """Seconds for one whole attempt; after them the outcome is unknown. The lease is twice as long."""
    senders: int = Field(default=4, ge=1, le=50)
    """How many messages one process sends at the same time."""

    sms_provider: str = Field(default="file", pattern="^(file|twilio)$")
    sms_file: Path = Path(".leadflow/sms.jsonl")
    sms_from: str = "+12025550100"
    sms_url: str = "https://api.twilio.com"
    sms_account: str = ""
    sms_token: SecretStr = SecretStr("")

    llm_base_url: str = ""
    llm_api_key: SecretStr = SecretStr("")
    llm_model: str = ""
    llm_timeout: float = Field(default=20.0, gt=0)
    llm_daily_tokens: int = Field(default=500_000, ge=0)
    """Tokens that a tenant may use in a day; after them templates compose its drafts."""

    poll_seconds: float = Field(default=0.5, gt=0)
    """How often the workers look for due work when nothing wakes them."""
