"""The check of a strategy before it is saved: its templates are filled in for two example leads."""

from services.outreach.drafts.composer import ComposerTask, Fact
from services.outreach.drafts.composer.template import write
from services.outreach.drafts.strategies import Strategy
from services.outreach.sending.templates import check_template
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
_ALL_FACTS = {name: Fact("field", name, value, "example", None) for name, value in _EXAMPLE.items()}


def check_strategy(strategy: Strategy) -> None:
    """Fill in the templates for a lead with every fact and for one with no fact.

    Raises Invalid, naming the template that fails.
    """
    for channel, parts in strategy.templates.items():
        for part, source in parts.items():
            check_template(source, f"templates.{channel}.{part}")
        for facts, label, subject in ((_ALL_FACTS, "question", "Re: engines"), ({}, None, None)):
            try:
                write(ComposerTask(strategy.kind, channel, strategy, facts, "Sales", label, subject))
            except Invalid as error:
                wrong = {"field": f"templates.{channel}", "message": error.detail}
                known = "everything" if facts else "nothing"
                raise Invalid(f"the template fails for a lead about whom {known} is known", [wrong]) from None
