import hashlib
import os
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from deploy.local import jars


def test_every_jar_is_pinned_by_its_checksum():
    pinned = jars.locked_jars()
    assert {len(jar.sha256) for jar in pinned} == {64}
    assert "kafka_2.13-4.3.1.jar" in {jar.file_name for jar in pinned}
    assert any(jar.artifact == "log4j-slf4j-impl" for jar in pinned), "without a log binding Kafka's log is silent"


def test_the_lock_names_no_repository():
    assert "://" not in jars.LOCK.read_text()


@pytest.fixture
def pinned(tmp_path, monkeypatch):
    """Makes a local repository with one file of `org.example:thing`, and a lock file that pins it: (file, lock)."""
    monkeypatch.setenv("LEADFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))

    def pinned(coordinate, name):
        content = b"not really a jar"
        file = tmp_path / "m2" / "org" / "example" / "thing" / "1.0" / name
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        lock = tmp_path / "lock.toml"
        lock.write_text(
            f'[[jar]]\ncoordinate = "{coordinate}"\nsize = {len(content)}\n'
            f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n'
        )
        return file, lock

    return pinned


@pytest.fixture
def one_jar(pinned, monkeypatch):
    """A lock file with one jar, and a local repository that contains it."""
    file, lock = pinned("org.example:thing:1.0", "thing-1.0.jar")
    monkeypatch.setattr(jars, "LOCK", lock)
    return file


def test_jars_are_fetched_once_with_progress(one_jar):
    progress = []
    folder = jars.kafka_jars(lambda done, total: progress.append((done, total)))
    assert [file.name for file in folder.iterdir()] == ["thing-1.0.jar"]
    assert progress == [(16, 16)]
    one_jar.unlink()
    assert jars.kafka_jars(lambda *_: pytest.fail("fetched again")) == folder


def test_an_archive_that_is_no_jar_is_pinned_in_the_same_way(pinned):
    _, lock = pinned("org.example:thing:zip:1.0", "thing-1.0.zip")
    assert [file.name for file in jars.pinned_jars("thing", lock).iterdir()] == ["thing-1.0.zip"]


def test_a_jar_with_a_wrong_checksum_is_refused_and_not_cached(one_jar, monkeypatch):
    from jgo.maven import PythonResolver

    def download(self, artifact):
        artifact.cached_path.parent.mkdir(parents=True)
        artifact.cached_path.write_bytes(b"something else")
        return artifact.cached_path

    one_jar.unlink()
    monkeypatch.setattr(PythonResolver, "download", download)
    with pytest.raises(jars.FetchError, match="checksum"):
        jars.kafka_jars()
    assert [path.name for path in jars.cache_dir().iterdir()] == [".lock"]


def test_the_certificates_of_the_machine_are_trusted_unless_others_are_named(tmp_path, monkeypatch):
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    monkeypatch.setattr(jars, "_BUNDLES", (str(tmp_path / "missing.pem"), str(bundle)))
    for given, trusted in [
        ({}, str(bundle)),
        ({"SSL_CERT_FILE": str(tmp_path / "missing.pem")}, str(bundle)),
        ({"REQUESTS_CA_BUNDLE": "mine.pem"}, "mine.pem"),
        ({"CURL_CA_BUNDLE": "mine.pem"}, None),
    ]:
        environment = dict(given)
        jars.trust_system_certificates(environment)
        assert environment.get("REQUESTS_CA_BUNDLE") == trusted


def test_jgo_follows_the_certificates_of_the_environment(tmp_path, monkeypatch):
    """Requests, by which jgo fetches, refuses a server whose certificate only the system knows, until it is told."""
    certificate, key = a_certificate(tmp_path)
    with https_server(certificate, key) as address:
        monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(address, timeout=5)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        jars.trust_system_certificates(os.environ)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", os.environ["REQUESTS_CA_BUNDLE"])
        assert requests.get(address, timeout=5).status_code == 200


def a_certificate(folder):
    """A self-signed certificate for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a company's own authority")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    certificate = (
        builder.not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "cert.pem", folder / "key.pem"


@contextmanager
def https_server(certificate, key):
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
