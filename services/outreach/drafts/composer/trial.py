"""A strategy's templates are tried before they are saved: what fails on every lead is told to whoever writes it."""

from services.outreach.drafts.composer import Known, Task
from services.outreach.drafts.composer.template import check_template, write
from services.outreach.drafts.strategies import Strategy
from shared.errors import Invalid

_EXAMPLE = {
    "first_name": "Ada",
    "last_name": "King",
    "full_name": "Ada King",
    "company": "Analytical Ltd",
    "job_title": "Head of Engines",
    "country": "GB",
    "timezone": "Europe/London",
    "website": "https://analytical.example",
    "campaign": "spring",
    "phone_country": "GB",
    "phone_type": "mobile",
    "seniority": "head",
    "department": "engineering",
    "company_name": "Analytical Ltd",
    "company_domain": "analytical.example",
    "industry": "engines",
    "employees": "120",
}
_ALL = {name: Known("field", name, value, "example", None) for name, value in _EXAMPLE.items()}


def try_out(strategy: Strategy) -> None:
    """Fill the templates in for a lead of whom all is known and for one of whom nothing is. Invalid says what fails."""
    for channel, parts in strategy.templates.items():
        for part, source in parts.items():
            check_template(source, f"templates.{channel}.{part}")
        for known, label, subject in ((_ALL, "question", "Re: engines"), ({}, None, None)):
            try:
                write(Task(strategy.kind, channel, strategy, known, "Sales", label, subject))
            except Invalid as error:
                wrong = {"field": f"templates.{channel}", "message": error.detail}
                who = "everything" if known else "nothing"
                raise Invalid(f"the template fails for a lead of whom {who} is known", [wrong]) from None
