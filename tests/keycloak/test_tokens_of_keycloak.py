"""Tokens of a real Keycloak at the APIs: whose are taken, what they may do, and what happens when its keys change."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest

from tests.keycloak.realm import PASSWORD, REALM, SECRET
from tests.keycloak.server import Keycloak
from tests.local_run import LocalRun


class Caller:
    """Somebody with a token, at the APIs of the running system."""

    def __init__(self, system: LocalRun, token: str) -> None:
        self.token = token
        self.claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        self._system = system

    def ask(self, service: str, method: str, path: str, **more: Any) -> httpx.Response:
        url = f"{self._system.record.services[service].url}{path}"
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.request(method, url, headers=headers, timeout=30, trust_env=False, **more)

    def submit(self, email: str = "") -> httpx.Response:
        lead = {
            "source": "website",
            "email": email or f"{uuid4().hex}@analytical.example",
            "full_name": "Ada Lovelace",
            "company": "Analytical Ltd",
            "consent": {"email": "granted"},
        }
        return self.ask("capture", "POST", "/v1/leads", json=lead)

    def queue(self) -> httpx.Response:
        return self.ask("stages", "GET", "/v1/queue")


Machine = Callable[[str], Caller]
Person = Callable[..., Caller]


@pytest.fixture
def machine(system: LocalRun, issuer: Keycloak) -> Machine:
    """`machine("website")`: the client with a new token, by client credentials (RFC 6749, 4.4)."""

    def machine(client: str) -> Caller:
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": SECRET}
        return Caller(system, issuer.token(REALM, **form)["access_token"])

    return machine


@pytest.fixture
def person(system: LocalRun, issuer: Keycloak) -> Person:
    """`person("ann")`: she has signed in. `kind` is another of the tokens that she gets."""

    def person(name: str, scope: str = "openid organization", kind: str = "access_token") -> Caller:
        form = {"grant_type": "password", "client_id": "leadflow-console", "username": name, "password": PASSWORD}
        return Caller(system, issuer.token(REALM, **form, scope=scope)[kind])

    return person


def eventually(check: Callable[[], Any], within: float = 60) -> Any:
    deadline = time.monotonic() + within
    while not (found := check()):
        assert time.monotonic() < deadline, f"not so within {within} s"
        time.sleep(0.2)
    return found


def test_a_machine_submits_and_a_person_of_the_same_tenant_approves(machine: Machine, person: Person) -> None:
    website, ann = machine("website"), person("ann")
    assert (website.claims["tenant"], ann.claims["organization"]) == ("acme", ["acme"])
    lead = website.submit().raise_for_status().json()["lead_id"]
    eventually(lambda: ann.ask("stages", "GET", f"/v1/leads/{lead}").status_code == 200)
    ask = {"lead_id": lead, "kind": "first", "channel": "email"}
    eventually(lambda: ann.ask("outreach", "POST", "/v1/drafts", json=ask).status_code == 202)
    waiting = {"state": "pending", "lead_id": lead}
    draft = eventually(lambda: ann.ask("outreach", "GET", "/v1/drafts", params=waiting).json()["items"])[0]
    approve = {"method": "POST", "path": f"/v1/drafts/{draft['draft_id']}/approve", "json": {"sha256": draft["sha256"]}}
    assert website.ask("outreach", **approve).status_code == 403, "a machine never approves"
    assert ann.ask("outreach", **approve).status_code == 200
    decided = ann.ask("outreach", "GET", f"/v1/drafts/{draft['draft_id']}").json()
    assert f"human:{ann.claims['sub']}" in str(decided)


def test_another_tenant_sees_nothing_of_it(machine: Machine, person: Person) -> None:
    lead = machine("website").submit().raise_for_status().json()["lead_id"]
    assert machine("website").ask("capture", "GET", f"/v1/leads/{lead}").status_code == 200
    for other in (machine("website-bravo"), person("ben")):
        assert other.ask("capture", "GET", f"/v1/leads/{lead}").status_code == 404


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA"])
def test_tokens_are_taken_however_a_client_has_them_signed(machine: Machine, algorithm: str) -> None:
    caller = machine(f"website-{algorithm}")
    assert jwt.get_unverified_header(caller.token)["alg"] == algorithm
    # Keycloak has just made a key for it; keys that are not known are looked for every ten seconds.
    eventually(lambda: caller.submit().status_code == 201, within=15)


def test_a_token_for_another_audience_is_refused(machine: Machine) -> None:
    caller = machine("somebody-else")
    assert "leadflow" not in caller.claims["aud"]
    answer = caller.submit()
    assert (answer.status_code, "udience" in answer.json()["detail"]) == (401, True)


def test_without_a_role_or_with_a_lower_one_nothing_is_done(machine: Machine, person: Person) -> None:
    assert machine("without-role").submit().status_code == 403
    assert machine("without-role").queue().status_code == 403
    assert person("ben").queue().status_code == 200
    assert person("ben").submit().status_code == 403


def test_a_person_without_an_organisation_or_with_two_has_no_tenant(person: Person) -> None:
    of_both = person("cleo", scope="openid organization:*")
    assert sorted(of_both.claims["organization"]) == ["acme", "bravo"]
    for caller in (of_both, person("cleo"), person("dan"), person("ann", scope="openid")):
        answer = caller.queue()
        assert (answer.status_code, "tenant" in answer.json()["detail"]) == (401, True)
    assert person("cleo", scope="openid organization:bravo").queue().status_code == 200, "who chooses one acts in it"


def test_tokens_that_are_for_somebody_else_to_read_are_refused(machine: Machine, person: Person) -> None:
    """An ID token is for the console, a refresh token for Keycloak; HS256 is signed with a secret of Keycloak's own."""
    for kind in ("id_token", "refresh_token"):
        assert person("ann", kind=kind).queue().status_code == 401
    assert machine("website-HS256").submit().status_code == 401


def test_a_token_that_expires_is_refused_from_then_on(machine: Machine) -> None:
    caller = machine("website-brief")
    assert caller.submit().status_code == 201
    answer = eventually(lambda: (refused := caller.submit()).status_code == 401 and refused, within=10)
    assert "expired" in answer.json()["detail"]


def test_a_new_key_is_followed_without_a_restart_and_the_old_one_is_out_within_a_minute(
    machine: Machine, issuer: Keycloak, system: LocalRun
) -> None:
    pids = system.pids()
    old = machine("website")
    assert old.submit().status_code == 201
    realm_id = issuer.administer("GET", f"/{REALM}")["id"]
    kind = "org.keycloak.keys.KeyProvider"
    config = {"priority": ["200"], "active": ["true"], "enabled": ["true"], "algorithm": ["RS256"]}
    key = {"name": "new", "providerId": "rsa-generated", "providerType": kind, "parentId": realm_id, "config": config}
    issuer.administer("POST", f"/{REALM}/components", json=key)

    new = machine("website")
    assert jwt.get_unverified_header(new.token)["kid"] != jwt.get_unverified_header(old.token)["kid"]
    eventually(lambda: new.submit().status_code == 201, within=15)
    assert old.submit().status_code == 201, "its key is still published"

    for component in issuer.administer("GET", f"/{REALM}/components", params={"type": kind}):
        if component["providerId"] == "rsa-generated" and component["name"] != "new":
            issuer.administer("DELETE", f"/{REALM}/components/{component['id']}")
    eventually(lambda: old.submit().status_code == 401, within=60)
    assert new.submit().status_code == 201
    assert system.pids() == pids
