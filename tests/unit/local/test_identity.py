import json
import stat
from pathlib import Path

import jwt
import pytest

from deploy.local.identity import Identity


def keys(identity: Identity) -> jwt.PyJWKSet:
    return jwt.PyJWKSet.from_dict(json.loads(Path(identity.jwks_url.removeprefix("file://")).read_text()))


def read(identity: Identity, token: str, audience: str = "leadflow") -> dict[str, object]:
    key = keys(identity)[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["ES256"], audience=audience, issuer=identity.issuer)


def test_a_token_names_tenant_roles_and_subject(tmp_path):
    identity = Identity(tmp_path)
    claims = read(identity, identity.sign_token("acme", ["viewer", "reviewer"], "ann", ttl=60))
    assert (claims["tenant"], claims["roles"], claims["sub"]) == ("acme", ["viewer", "reviewer"], "ann")
    assert claims["exp"] - claims["iat"] == 60


def test_the_key_is_created_once_for_each_data_folder(tmp_path):
    token = Identity(tmp_path).sign_token("acme", ["viewer"])
    assert read(Identity(tmp_path), token)["tenant"] == "acme"


def test_the_key_of_another_folder_does_not_verify(tmp_path):
    token = Identity(tmp_path / "a").sign_token("acme", ["viewer"])
    with pytest.raises(KeyError):
        read(Identity(tmp_path / "b"), token)


def test_of_several_audiences_a_token_is_for_the_first(tmp_path):
    identity = Identity(tmp_path, audience="portal, leadflow")
    assert read(identity, identity.sign_token("acme", ["viewer"]), "portal")["aud"] == "portal"


def test_a_token_for_another_audience_is_refused(tmp_path):
    identity = Identity(tmp_path)
    with pytest.raises(jwt.InvalidAudienceError):
        read(identity, identity.sign_token("acme", ["viewer"], audience="somebody-else"))


def test_a_negative_ttl_makes_an_expired_token(tmp_path):
    identity = Identity(tmp_path)
    with pytest.raises(jwt.ExpiredSignatureError):
        read(identity, identity.sign_token("acme", ["viewer"], ttl=-1))


def test_only_the_owner_reads_keys_and_passwords(tmp_path):
    identity = Identity(tmp_path)
    assert identity.database_password("a") == Identity(tmp_path).database_password("a")
    assert identity.database_password("a") != identity.database_password("b")
    for name in ("key.pem", "database.json"):
        assert stat.S_IMODE((tmp_path / "identity" / name).stat().st_mode) == 0o600
