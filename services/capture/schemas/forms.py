"""HTTP bodies of web forms."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, HttpUrl
from pydantic_core import PydanticCustomError

from services.capture.rules.form_guards import MAX_WORK_BITS, read_origin
from services.capture.rules.forms import read_fields
from services.capture.schemas.bodies import Body
from shared.limits import MAX_SOURCE
from shared.text import clean

Name = Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=MAX_SOURCE)]
Sentence = Annotated[str, Field(max_length=4_000)]


def _fields(raw: Any) -> list[dict[str, Any]]:
    try:
        return [dict(field._asdict()) for field in read_fields(raw)]
    except ValueError as error:
        raise PydanticCustomError("fields", str(error)) from None  # type: ignore[arg-type]


def _origins(origins: list[str]) -> list[str]:
    try:
        return [read_origin(origin) for origin in origins]
    except ValueError as error:
        raise PydanticCustomError("origins", str(error)) from None  # type: ignore[arg-type]


class ConsentAsked(Body):
    """A box by which the visitor gives consent: its text, and the channels that it allows."""

    text: Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=10_000)]
    channels: Annotated[list[Literal["email", "sms"]], Field(min_length=1)] = ["email"]
    required: bool = False


class FormSettings(Body):
    """What a form asks for, and what keeps machines out of it."""

    fields: Annotated[
        Any,
        AfterValidator(_fields),
        Field(
            validate_default=True,
            description="A list of names or of objects with name, label, type, required, options and value. "
            "Names that are no field of a lead become its attributes. By default full_name and email.",
        ),
    ] = None
    title: Annotated[str, Field(max_length=300)] = ""
    """The heading of the page; by default the name of the form."""
    submit_label: Annotated[str, Field(max_length=100)] = "Send"
    thank_you: Sentence = "Thank you. We have received your details."
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"
    redirect_url: HttpUrl | None = None
    """Where a browser goes after the form was sent, instead of the page that says thank you."""
    allowed_origins: Annotated[list[str], AfterValidator(_origins), Field(max_length=100)] = []
    """The origins of the pages that may send or embed the form, besides its own; `*` for any."""
    min_fill_seconds: Annotated[float, Field(ge=0, le=600)] = 0
    """A form that is sent sooner after it was shown has to be sent once more."""
    rate_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 30
    """How often one address may send the form in a minute."""
    proof_of_work_bits: Annotated[int, Field(ge=0, le=MAX_WORK_BITS)] = 0
    """Work that a browser has to do before it sends the form; it then needs JavaScript. 0 for none."""
    consent: ConsentAsked | None = None


class FormIn(FormSettings):
    """A new form. Its leads have this `source`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Contact",
                    "source": "website",
                    "fields": ["full_name", "email"],
                    "consent": {"text": "You may write to me.", "channels": ["email"]},
                }
            ]
        }
    )

    name: Name
    source: Name


class FormEdit(Body):
    """Changes of a form, each as in `FormIn`; `active`: whether visitors can see and send it."""

    model_config = ConfigDict(
        extra="allow",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"title": "Talk to us", "active": False}]},
    )

    active: bool | None = None

    def changes(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class FormOut(BaseModel):
    """A form, the field that only machines fill in, and how a web page shows it."""

    token: str
    name: str
    source: str
    honeypot: str
    active: bool
    fields: list[dict[str, Any]]
    settings: dict[str, Any]
    consent_version: int | None
    page_url: str
    submissions_url: str
    snippet: str
    created_on: AwareDatetime
    created_by: str
    changed_on: AwareDatetime


class FormFieldOut(BaseModel):
    """One question of a form. `autocomplete`: what a browser may fill in."""

    name: str
    label: str
    type: str
    required: bool
    options: list[str]
    value: str
    autocomplete: str


class PublicForm(BaseModel):
    """A form as a script that shows it needs it. `honeypot` is left empty, `started` is sent as it is."""

    name: str
    fields: list[FormFieldOut]
    honeypot: str
    consent: ConsentAsked | None
    started: str
    title: str
    submit_label: str
    language: str
    redirect_url: str | None
    proof_of_work_bits: int


class SentForm(BaseModel):
    """The answer to a form that was sent: the text that says thank you."""

    message: str
