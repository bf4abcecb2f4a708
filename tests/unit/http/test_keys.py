"""The issuer's keys change: new ones are found at once, withdrawn ones are out within a minute."""

import asyncio
import time
from pathlib import Path

import orjson
import pytest

from deploy.local.identity import Identity
from shared.errors import Unauthorized
from shared.http import auth
from shared.http.auth import Verifier


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(auth.time, "monotonic", clock.monotonic)
    return clock


def issuer(folder: Path, jwks: Path) -> tuple[Identity, str]:
    identity = Identity(folder)
    token = identity.sign_token("acme", ["viewer"], "ann")
    jwks.write_bytes(Path(identity.jwks_url.removeprefix("file://")).read_bytes())
    return identity, token


async def test_a_withdrawn_key_is_out_within_a_minute_though_its_token_was_accepted_before(tmp_path, clock):
    jwks = tmp_path / "jwks.json"
    identity, token = issuer(tmp_path / "one", jwks)
    verifier = Verifier(url=jwks.as_uri(), issuer=identity.issuer, audience=identity.audience)
    assert (await verifier.verify(token)).tenant == "acme"
    _, other = issuer(tmp_path / "two", jwks)
    clock.now += 59
    with pytest.raises(Unauthorized):
        await verifier.verify(token)
    assert (await verifier.verify(other)).tenant == "acme"


async def test_a_new_key_is_found_at_once(tmp_path, clock):
    jwks = tmp_path / "jwks.json"
    identity, token = issuer(tmp_path / "one", jwks)
    verifier = Verifier(url=jwks.as_uri(), issuer=identity.issuer, audience=identity.audience)
    await verifier.verify(token)
    _, other = issuer(tmp_path / "two", jwks)
    clock.now += 11
    assert (await verifier.verify(other)).tenant == "acme"


async def test_a_new_key_is_found_at_once_though_the_keys_were_read_a_moment_ago(tmp_path, clock):
    """An issuer may sign with a new key from the moment on in which it publishes it, as Keycloak does."""
    jwks = tmp_path / "jwks.json"
    identity, token = issuer(tmp_path / "one", jwks)
    verifier = Verifier(url=jwks.as_uri(), issuer=identity.issuer, audience=identity.audience)
    await verifier.verify(token)
    clock.now += 46
    await verifier.verify(token)  # reads the keys again, because they are old
    _, other = issuer(tmp_path / "two", jwks)
    clock.now += 1
    assert (await verifier.verify(other)).tenant == "acme"


async def test_tokens_of_unknown_keys_make_nobody_read_the_keys_again_and_again(tmp_path, clock, monkeypatch):
    jwks = tmp_path / "jwks.json"
    identity, token = issuer(tmp_path / "one", jwks)
    _, unknown = issuer(tmp_path / "two", tmp_path / "other.json")
    verifier = Verifier(url=jwks.as_uri(), issuer=identity.issuer, audience=identity.audience)
    await verifier.verify(token)
    reads, fetch = [], auth._fetch

    async def counted(url):
        reads.append(clock.now)
        return await fetch(url)

    monkeypatch.setattr(auth, "_fetch", counted)
    for _ in range(44):
        clock.now += 1
        with pytest.raises(Unauthorized):
            await verifier.verify(unknown)
    assert len(reads) == 4


async def test_while_the_issuer_hangs_one_request_waits_a_second_and_the_others_not_at_all(tmp_path, monkeypatch):
    jwks = tmp_path / "jwks.json"
    identity, token = issuer(tmp_path / "one", jwks)
    verifier = Verifier(url=jwks.as_uri(), issuer=identity.issuer, audience=identity.audience)
    await verifier.verify(token)
    answers, fetch = asyncio.Event(), auth._fetch

    async def hanging(url):
        await answers.wait()
        return await fetch(url)

    monkeypatch.setattr(auth, "_fetch", hanging)
    monkeypatch.setattr(auth, "_PATIENCE", 0.2)
    verifier._read_at -= 60
    for longest in (0.2, 0.0, 0.0):
        begun = time.monotonic()
        assert (await verifier.verify(token)).tenant == "acme"
        assert time.monotonic() - begun < longest + 0.15
    _, other = issuer(tmp_path / "two", jwks)
    answers.set()
    await verifier._reading
    assert (await verifier.verify(other)).tenant == "acme"
    with pytest.raises(Unauthorized):
        await verifier.verify(token)


async def test_while_the_issuer_is_away_its_last_keys_stay_in_use(tmp_path, clock):
    jwks = tmp_path / "jwks.json"
    identity, token = issuer(tmp_path / "one", jwks)
    verifier = Verifier(url=jwks.as_uri(), issuer=identity.issuer, audience=identity.audience)
    await verifier.verify(token)
    jwks.unlink()
    clock.now += 120
    assert (await verifier.verify(token)).tenant == "acme"
    jwks.write_bytes(orjson.dumps({"keys": []}))
    clock.now += 11
    with pytest.raises(Unauthorized):
        await verifier.verify(token)
