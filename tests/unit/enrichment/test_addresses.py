"""Which addresses are fetched, and which never."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrichment.rules.addresses import AllowedHosts, Refused, is_public, read_target

NONE = AllowedHosts.read([])


@pytest.mark.parametrize(
    "address",
    """
    0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1
    192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:8.8.8.8 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1
    100::1 2001::1 2001:0:808:808::1 2001:db8::1 2002:7f00:1::1 2002:808:808::1 3fff::1 fc00::1 fd12::1 fe80::1
    fe80::1%eth0 fec0::1 ff02::1 not-an-address 1.2.3 0x7f000001
    """.split(),
)
def test_private_reserved_and_translated_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "2a00::1"])
def test_ordinary_addresses_are_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_within_another_is_never_public(inner: object) -> None:
    number = int(inner)  # type: ignore[call-overload]
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    for address in (f"::ffff:{high}:{low}", f"64:ff9b::{high}:{low}", f"2002:{high}:{low}::1", f"::{high}:{low}"):
        assert not is_public(address)


STRANGE = """
    http://127.0.0.1/ http://[::1]/ http://[::ffff:10.0.0.1]/ http://2130706433/ http://127.1/ http://0x7f.0.0.1/
    http://acme.example:22/ http://acme.example:6379/ http://acme.example:0/ http://acme.example:99999/
    ftp://acme.example/ file:///etc/passwd gopher://acme.example/ javascript:alert(1) //acme.example/ acme.example
    http:///path http://user@acme.example/ http://user:pw@acme.example/ http://acme.example\\@evil.example/
    http://a..example/ http://[fe80::1%25eth0]/ http://[::1
""".split()
STRANGE += ["http://acme.example/\r\nHost: x", "http://acme.example/a\tb", "", "http://" + "a" * 300]
STRANGE += ["http://a b.example/", "http://a.example/" + "x" * 3_000, "http://a.example/" + "ü" * 1_000]
STRANGE += ["http://a.example/\ud800"]


@pytest.mark.parametrize("url", STRANGE)
def test_what_is_no_plain_public_web_address_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        read_target(url, NONE)


def test_a_target_is_what_the_request_says() -> None:
    target = read_target("HTTPS://Shop.Bücher.example:8443/a/b?c=d#e", NONE)
    assert target.url == "https://shop.xn--bcher-kva.example:8443/a/b?c=d"
    assert target.authority == "shop.xn--bcher-kva.example:8443"
    assert read_target("http://acme.example", NONE).url == "http://acme.example/"
    assert read_target("http://straße.example", NONE).host == "xn--strae-oqa.example", "strasse is another firm"


def test_what_a_browser_would_escape_is_escaped() -> None:
    target = read_target("https://bücher.example/über uns/%C3%BC?q=Köln#ü", NONE)
    assert target.path == "/%C3%BCber%20uns/%C3%BC?q=K%C3%B6ln"


@pytest.mark.parametrize(
    ("entry", "url", "listed"),
    [
        ("127.0.0.1", "http://127.0.0.1:9000/", True),
        ("127.0.0.1:9000", "http://127.0.0.1:9000/", True),
        ("127.0.0.1:9000", "http://127.0.0.1:9001/", False),
        ("127.0.0.1:80", "http://127.0.0.1/", True),
        ("crm.internal", "https://CRM.internal./x", True),
        ("crm.internal", "https://evil.crm.internal/", False),
        ("::1", "http://[::1]:9000/", True),
        ("[::1]:9000", "http://[0:0:0:0:0:0:0:1]:9000/", True),
        ("[::1]:9000", "http://[::1]:80/", False),
    ],
)
def test_a_host_is_listed_with_every_port_or_with_one(entry: str, url: str, listed: bool) -> None:
    allowed = AllowedHosts.read([entry])
    try:
        assert allowed.has(read_target(url, allowed)) is listed
    except Refused:
        assert not listed


@pytest.mark.parametrize("entry", ["http://127.0.0.1", "a/b", "user@host", "host:port", "::zz"])
def test_an_entry_that_is_no_host_is_an_error_at_the_start(entry: str) -> None:
    with pytest.raises(ValueError):
        AllowedHosts.read([entry])
