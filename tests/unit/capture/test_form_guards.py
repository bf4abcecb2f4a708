import pytest

from services.capture.rules.form_guards import may_send, page_address, read_origin


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://www.example.org", "https://www.example.org"),
        ("HTTPS://WWW.Example.org/", "https://www.example.org"),
        ("https://example.org:443", "https://example.org"),
        ("http://example.org:80/", "http://example.org"),
        ("http://example.org:443", "http://example.org:443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://[0:0::1]", "http://[::1]"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://Straße.example", "https://xn--strae-oqa.example"),
        ("https://例え.テスト:8443", "https://xn--r8jz45g.xn--zckzah:8443"),
        ("*", "*"),
    ],
)
def test_an_origin_is_stored_as_browsers_name_it(given, origin):
    assert read_origin(given) == origin
    assert read_origin(origin) == origin
    assert origin.isascii()
    assert may_send(origin, "forms.example", [read_origin(given)])


@pytest.mark.parametrize(
    "given",
    [
        "www.example.org",
        "ftp://example.org",
        "https://",
        "https://*.example.org",
        "https://x.org;script-src *",
        "https://x.org;script-src",
        "https://x.org 'unsafe-inline'",
        "https://x.org,y.org",
        "https://user@x.org",
        "https://@x.org",
        "https://x.org/path",
        "https://x.org?q",
        "https://x.org#f",
        "https://x.org:99999",
        "https://x.org:port",
        "http://[",
        "http://[::1",
        "https://x..org",
        "https://ﬀ\u2488.example/",
        "null",
        "",
    ],
)
def test_what_is_no_origin_is_refused_with_one_that_is(given):
    with pytest.raises(ValueError, match="such as https:"):
        read_origin(given)


def test_a_page_of_our_own_host_or_of_an_allowed_origin_may_send():
    allowed = ["https://www.example.org"]
    assert may_send(None, "forms.example", allowed)
    assert may_send("https://forms.example", "Forms.example", allowed)
    assert may_send("https://www.example.org", "forms.example", allowed)
    assert not may_send("https://example.org", "forms.example", allowed)
    assert not may_send("null", "", allowed)
    assert may_send("null", "forms.example", ["*"])


@pytest.mark.parametrize("allowed", [[], ["*"]])
@pytest.mark.parametrize("origin", ["http://[", "https://[x]", "http://\u2488.example\uff0f"])
def test_a_malformed_origin_may_not_send(origin, allowed):
    assert not may_send(origin, "forms.example", allowed)


@pytest.mark.parametrize(
    ("referer", "address"),
    [
        ("https://x.example/contact?name=ada#top", "https://x.example/contact"),
        ("http://[", ""),
        ("about:blank", ""),
        ("", ""),
        ("http:" + "x" * 3_000, "http://" + "x" * 1_993),
    ],
)
def test_the_page_of_a_visitor_is_its_address_without_a_query(referer, address):
    assert page_address(referer, 2_000) == address
