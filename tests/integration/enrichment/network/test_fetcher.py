"""The fetcher against a web server and a name server that do what no honest one does."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpcore
import pytest

from services.enrichment.gateways.fetcher import Fetcher, FetchFailed
from services.enrichment.gateways.resolver import Resolver
from services.enrichment.rules.addresses import AllowedHosts
from tests.integration.enrichment.network import hostile_web as web
from tests.integration.enrichment.network.hostile_web import HostileWeb, hostile_web, name_server

LIMIT = 100_000


@pytest.fixture
async def site() -> AsyncIterator[HostileWeb]:
    async with hostile_web() as running:
        yield running


def fetcher(*allowed: str, resolver: Resolver | None = None) -> Fetcher:
    return Fetcher(AllowedHosts.read(allowed), "test", resolver=resolver)


async def test_an_ordinary_page_is_fetched_with_the_headers_of_a_client(site: HostileWeb) -> None:
    site.routes["/a?b=1"] = web.answer(b"hello")
    got = await fetcher("127.0.0.1").get(f"{site.url}/a?b=1", limit=LIMIT, headers={"X-Key": "k"})
    assert (got.status, got.body, got.content_type, got.cut) == (200, b"hello", "text/html", False)
    assert site.asked[0].headers["host"] == f"127.0.0.1:{site.port}"
    assert site.asked[0].headers["x-key"] == "k"


async def test_nothing_private_is_connected_to_unless_it_is_listed_with_this_port(site: HostileWeb) -> None:
    for allowed in ((), ("127.0.0.1:1",), ("localhost",)):
        with pytest.raises(FetchFailed):
            await fetcher(*allowed).get(f"{site.url}/", limit=LIMIT)
    assert site.asked == []
    assert (await fetcher(f"127.0.0.1:{site.port}").get(f"{site.url}/", limit=LIMIT)).status == 404


async def test_a_redirect_is_checked_like_a_first_address(site: HostileWeb) -> None:
    fetch = fetcher(f"127.0.0.1:{site.port}")
    async with hostile_web() as other:
        for location in (
            f"http://127.0.0.1:{other.port}/",
            "http://localhost/",
            "http://[::ffff:127.0.0.1]/",
            "http://169.254.169.254/latest",
            "file:///etc/passwd",
            "gopher://127.0.0.1/",
            "http://user@127.0.0.1/",
            "http://[",
        ):
            site.routes["/"] = web.redirect(location)
            with pytest.raises(FetchFailed):
                await fetch.get(f"{site.url}/", limit=LIMIT, redirects=5)
        assert other.asked == []


@pytest.mark.parametrize("location", ["/über uns?ü", "/%C3%BCber%20uns?%C3%BC"])
async def test_a_redirect_to_an_address_that_is_not_escaped_is_followed(site: HostileWeb, location: str) -> None:
    site.routes |= {"/": web.redirect(location), "/%C3%BCber%20uns?%C3%BC": web.answer(b"about us")}
    got = await fetcher(f"127.0.0.1:{site.port}").get(f"{site.url}/", limit=LIMIT, redirects=5)
    assert (got.status, got.body) == (200, b"about us")


async def test_a_public_site_cannot_redirect_to_a_host_that_is_listed(site: HostileWeb) -> None:
    """Whoever owns a website must not reach the hosts that the deployment has listed for its own providers."""
    public = await _listening({"/": web.redirect(f"{site.url}/secret")})
    async with public as (running, fetch):
        fetch.allowed = AllowedHosts.read([f"127.0.0.1:{site.port}"])
        with pytest.raises(FetchFailed, match="into a private network"):
            await fetch.get("http://public.example/", limit=LIMIT, redirects=5)
        assert running.paths() == ["/"]
    assert site.asked == []


async def _listening(routes: dict[str, Any]) -> Any:
    """A site at a public name and address: the connection to exactly that address is made to loopback."""
    import contextlib

    @contextlib.asynccontextmanager
    async def run() -> AsyncIterator[tuple[HostileWeb, Fetcher]]:
        async with hostile_web() as running, name_server(["93.184.215.14"]) as (_, port):
            running.routes |= routes
            fetch = fetcher(resolver=Resolver(["127.0.0.1"], port))
            fetch.network = _To(running.port)
            yield running, fetch

    return run()


class _To(httpcore.AsyncNetworkBackend):
    """Connects to loopback, and remembers where to it was asked to connect."""

    def __init__(self, port: int) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._port = port
        self.asked: list[tuple[str, int]] = []

    async def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        self.asked.append((host, port))
        return await self._inner.connect_tcp("127.0.0.1", self._port)


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A name that resolves to something else a moment later (rebinding) is not resolved a second time."""
    async with hostile_web() as site, name_server(["93.184.215.14"], ["127.0.0.1"]) as (names, port):
        site.routes["/"] = web.answer(b"ok")
        fetch = fetcher(resolver=Resolver(["127.0.0.1"], port))
        fetch.network = network = _To(site.port)
        assert (await fetch.get("http://rebinding.example/", limit=LIMIT)).body == b"ok"
        assert (network.asked, names.asked) == ([("93.184.215.14", 80)], 1)
        with pytest.raises(FetchFailed, match="private"):
            await fetch.get("http://rebinding.example/", limit=LIMIT)
        assert len(network.asked) == 1


async def test_of_a_name_with_public_and_private_addresses_only_the_public_are_connected_to() -> None:
    async with name_server(["10.0.0.1", "93.184.215.14", "127.0.0.1"]) as (_, port):
        fetch = fetcher(resolver=Resolver(["127.0.0.1"], port))
        assert await fetch.checked_addresses(fetch.target("http://both.example/")) == ["93.184.215.14"]


async def test_name_servers_that_never_answer_cost_a_bounded_time() -> None:
    async with name_server(None) as (_, port):
        fetch = fetcher(resolver=Resolver(["127.0.0.1"], port, seconds=0.3))
        began = time.monotonic()
        with pytest.raises(FetchFailed, match="name servers do not answer"):
            await fetch.get("http://silent.example/", limit=LIMIT)
        assert time.monotonic() - began < 15


async def test_tls_verifies_the_certificate_of_the_name_and_says_so(tmp_path: Path) -> None:
    certificate, key, server_names = _certificate(tmp_path, "good.example"), tmp_path / "key.pem", []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.sni_callback = lambda connection, name, _: server_names.append(name)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server, name_server(["93.184.215.14"]) as (_, port):
        network = _To(server.sockets[0].getsockname()[1])
        for name, ca_file in (("good.example", certificate), ("bad.example", certificate), ("good.example", None)):
            fetch = Fetcher(AllowedHosts.read([]), "test", resolver=Resolver(["127.0.0.1"], port), ca_file=ca_file)
            fetch.network = network
            if name == "good.example" and ca_file:
                assert (await fetch.get(f"https://{name}/", limit=LIMIT)).body == b"ok"
            else:
                with pytest.raises(FetchFailed, match="certificate"):
                    await fetch.get(f"https://{name}/", limit=LIMIT)
        assert server_names == ["good.example", "bad.example", "good.example"]


def _certificate(folder: Path, name: str) -> Path:
    """A certificate that is its own authority, and its key in key.pem."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    path = folder / "certificate.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    "behaviour",
    [web.garbage, web.reset, web.endless_headers, web.endless_informational],
    ids=lambda each: each.__name__,
)
async def test_an_answer_that_is_no_http_fails(site: HostileWeb, behaviour: web.Behaviour) -> None:
    site.routes["/"] = behaviour
    with pytest.raises(FetchFailed):
        async with asyncio.timeout(20):
            await fetcher("127.0.0.1").get(f"{site.url}/", limit=LIMIT)


@pytest.mark.parametrize("behaviour", [web.silent, web.drip])
async def test_what_never_ends_is_ended_by_the_callers_timeout(site: HostileWeb, behaviour: web.Behaviour) -> None:
    site.routes["/"] = behaviour
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await fetcher("127.0.0.1").get(f"{site.url}/", limit=LIMIT)
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("behaviour", [web.endless_body, web.bomb("gzip"), web.bomb("deflate")])
async def test_a_body_is_cut_at_the_limit_after_decompression(site: HostileWeb, behaviour: web.Behaviour) -> None:
    site.routes["/"] = behaviour
    got = await fetcher("127.0.0.1").get(f"{site.url}/", limit=LIMIT)
    assert (len(got.body), got.cut) == (LIMIT, True)


async def test_a_compression_that_was_not_asked_for_is_not_expanded(site: HostileWeb) -> None:
    for encoding in ("br", "zstd", "gzip, gzip"):
        site.routes["/"] = web.answer(b"\x1b\x03", Content_Encoding=encoding)
        with pytest.raises(FetchFailed, match="not asked for"):
            await fetcher("127.0.0.1").get(f"{site.url}/", limit=LIMIT)


async def test_a_redirect_loop_ends(site: HostileWeb) -> None:
    site.routes["/"] = web.redirect("/")
    with pytest.raises(FetchFailed, match="too often"):
        await fetcher("127.0.0.1").get(f"{site.url}/", limit=LIMIT, redirects=5)
    assert len(site.asked) == 6


async def test_our_headers_never_go_to_another_host(site: HostileWeb) -> None:
    async with hostile_web() as other:
        site.routes["/"] = web.redirect(f"{other.url}/")
        with pytest.raises(FetchFailed, match="not to get our headers"):
            await fetcher("127.0.0.1").get(f"{site.url}/", limit=LIMIT, redirects=2, headers={"X-Key": "secret"})
        assert other.asked == []
