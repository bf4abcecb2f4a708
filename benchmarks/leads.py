"""Leads as another system would submit them: about 1 KB of JSON each, and each a different person."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import orjson

TENANT = "bench"
SOURCE = "urn:bench:crm"

Record = tuple[bytes, list[tuple[str, bytes]]]
"""Value and headers of one `lead.submitted`, in CloudEvents' binary mode."""

_FIRST = "Ada Grace Alan Edsger Barbara Donald Radia Tony Margaret Ken Frances Dennis Katherine Leslie".split()
_LAST = "Lovelace Hopper Turing Dijkstra Liskov Knuth Perlman Hoare Hamilton Thompson Allen Ritchie Johnson".split()
_TRADE = "Analytical Compiler Relay Vacuum Transistor Ferrite Magnetic Optical Quantum Signal".split()
_WORDS = (
    "We saw your stand at the fair and would like to know what the integration with our warehouse would cost, how "
    "long a pilot with two teams takes, whether the data may stay in our own region, and who else in logistics uses "
    "it. Please call in the afternoon; our head of purchasing should be on the line too."
)


def make_leads(first: int, count: int) -> list[Record]:
    """Leads with the numbers from `first` on, submitted one after the other within the last second."""
    now = datetime.now(UTC) - timedelta(seconds=1)
    step = timedelta(seconds=1) / max(count, 1)
    return [make_lead(number, now + place * step) for place, number in enumerate(range(first, first + count))]


def make_lead(number: int, time: datetime) -> Record:
    """One lead. It scores 13 points in the default model: company 4, phone 3, source 6."""
    given, family = _FIRST[number % len(_FIRST)], _LAST[number // 7 % len(_LAST)]
    trade = _TRADE[number % len(_TRADE)]
    value = {
        "source": "website",
        "external_id": f"crm-{number:09d}",
        "email": f"{given}.{family}.{number}@{trade}-{number % 997}.example".lower(),
        "phone": f"+491512{number % 10_000_000:07d}",
        "first_name": given,
        "last_name": family,
        "company": f"{trade} Works {number} GmbH",
        "job_title": "Head of Operations",
        "website": f"https://{trade.lower()}-{number % 997}.example",
        "country": "DE",
        "timezone": "Europe/Berlin",
        "campaign": f"fair-{number % 12}",
        "consent": {"email": "granted", "basis": "form", "source": "website", "at": time.isoformat()},
        "attributes": {
            "message": _WORDS,
            "utm_source": "newsletter",
            "utm_medium": "email",
            "utm_campaign": f"spring-{number % 40}",
            "landing_page": f"https://www.example.com/solutions/logistics?visitor={number}",
            "employees": 40 + number % 900,
            "language": "de",
            "session": str(UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128)),
        },
    }
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid4()),
        "ce_type": "lead.submitted",
        "ce_source": SOURCE,
        "ce_time": time.isoformat(),
        "ce_tenantid": TENANT,
        "content-type": "application/json",
    }
    return orjson.dumps(value), [(name, text.encode()) for name, text in attributes.items()]
