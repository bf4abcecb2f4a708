"""A developer of another system generates clients from the OpenAPI descriptions, and goes through a small story."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

import pytest

from deploy.local.identity import Identity
from tests.architecture.apps import app_of
from tests.e2e.test_lead_lifecycle import eventually
from tests.local_run import LocalRun

CONFIG = """
post_hooks: []
# A raw mail is bytes to the generator, which knows no mails.
content_type_overrides: {message/rfc822: application/octet-stream}
"""


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Packages `capture_client`, `stages_client` and `outreach_client`, as openapi-python-client makes them."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "config.yaml").write_text(CONFIG)
    runs = [subprocess.Popen(_command(folder, name)) for name in ("capture", "stages", "outreach")]
    assert [run.wait(60) for run in runs] == [0, 0, 0]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        invalidate_caches()
        yield


def _command(folder: Path, name: str) -> list[str]:
    document = folder / f"{name}.json"
    document.write_text(json.dumps(app_of(name).openapi()))
    program = str(Path(sys.executable).with_name("openapi-python-client"))
    options = f"--path {document} --output-path {folder}/{name}_client --config {folder}/config.yaml --meta none"
    return [program, "generate", *options.split(), "--fail-on-warning"]


class Api:
    """One service through its generated client."""

    def __init__(self, system: LocalRun, name: str, tenant: str, role: str) -> None:
        self._name = f"{name}_client"
        self.models: Any = import_module(f"{self._name}.models")
        token = Identity(system.data).sign_token(tenant, [role], "ann")
        client: Any = import_module(self._name).AuthenticatedClient
        self._client = client(base_url=system.record.services[name].url, token=token, httpx_args={"trust_env": False})

    def __call__(self, operation: str, *path: Any, **given: Any) -> Any:
        """What the operation (`tag.operation id`) answers, as an object of the client's models."""
        return import_module(f"{self._name}.api.{operation}").sync(*path, client=self._client, **given)

    def close(self) -> None:
        self._client.get_httpx_client().close()


@pytest.mark.usefixtures("clients")
def test_a_generated_client_captures_a_lead_and_approves_its_draft(system: LocalRun, tenant: str) -> None:
    with (
        closing(Api(system, "capture", tenant, "service")) as capture,
        closing(Api(system, "stages", tenant, "reviewer")) as stages,
        closing(Api(system, "outreach", tenant, "reviewer")) as outreach,
    ):
        _story(capture, stages, outreach)


def _story(capture: Api, stages: Api, outreach: Api) -> None:
    lead = capture.models.LeadIn(source="crm", external_id="4711", email="ada@lovelace.example", phone="12")
    captured = capture("leads.create_lead", body=lead)
    assert isinstance(captured, capture.models.SubmittedLead)
    assert [warning.field for warning in captured.warnings] == ["phone"]
    (found,) = capture("leads.find_leads", source="crm", external_id="4711").items
    assert (found.lead_id, found.email, found.aliases) == (captured.lead_id, "ada@lovelace.example", [])

    def known() -> Any:
        read = stages("stages.read_lead", captured.lead_id)
        return read if isinstance(read, stages.models.LeadView) else None

    assert eventually(known).stage == "new"

    def asked() -> Any:
        kind = outreach.models.NewDraftBodyKind.FIRST
        answer = outreach("drafts.create_draft", body=outreach.models.NewDraftBody(captured.lead_id, kind))
        return answer if isinstance(answer, outreach.models.ComposingView) else None

    composing = eventually(asked)

    def written() -> Any:
        read = outreach("drafts.read_draft", composing.draft_id)
        return read if isinstance(read, outreach.models.DraftInFullView) else None

    draft = eventually(written)
    (listed,) = outreach("drafts.list_drafts", lead_id=captured.lead_id, fields="draft_id,to").items
    assert (listed.draft_id, listed.to) == (draft.draft_id, "ada@lovelace.example")

    refused = outreach("drafts.approve_draft", draft.draft_id, body=outreach.models.Approve(sha256="0" * 64))
    assert (refused.status, refused.type_) == (409, "urn:leadflow:problem:conflict")
    approve = outreach.models.Approve(sha256=draft.sha256, acknowledge_unsupported=True)
    approved = outreach("drafts.approve_draft", draft.draft_id, body=approve)
    assert isinstance(approved, outreach.models.DraftView)
    assert (approved.state, approved.decided_by) == ("approved", "human:ann")
    assert approved.dispatch_id
