"""What the chart takes from the code: topics, their settings, and who may do what.

`python -m deploy.chart_files` writes it; a test compares the file with the code.
"""

import json
from pathlib import Path

from shared.events.acls import PRINCIPALS, strimzi_acls
from shared.events.catalogue import CATALOGUE
from shared.events.topics import SETTINGS

FILE = Path(__file__).with_name("helm") / "leadflow" / "files" / "topics.yaml"
_HEAD = "# Written by `python -m deploy.chart_files` from the catalogue of events; not by hand.\n"


def content() -> str:
    """The file, as YAML that is also JSON line by line."""
    lines = ["config:"]
    lines += [f"  {name}: {json.dumps(str(value))}" for name, value in SETTINGS.items()]
    lines += ["topics:", *(f"  - {name}" for name in CATALOGUE), "principals:"]
    for principal in PRINCIPALS:
        lines += [f"  {principal}:", *(f"    - {json.dumps(acl)}" for acl in strimzi_acls(principal))]
    return _HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(content())
