"""The text of HTML mails: what the writer wrote, and what the mail quotes."""

import pytest

from services.outreach.replies.rules import html_text
from services.outreach.replies.rules.html_text import from_html
from tests.processor_time import processor_seconds


def own(html: str) -> str:
    """The lines that are no quote."""
    return "\n".join(line for line in from_html(html).split("\n") if line and not line.startswith(">"))


def test_words_are_read_and_scripts_styles_and_comments_are_not():
    assert (
        from_html("<p>Yes, <b>send</b>&nbsp;it.</p><script>stop()</script><!-- stop --><style>p{}</style>")
        == "Yes, send it."
    )
    assert from_html("<head><title>x</title></head><body>a<br>b<div>c</div><ul><li>d<li>e</ul></body>").split() == list(
        "abcde"
    )


def test_what_is_hidden_decides_nothing():
    assert from_html('<div style="display: none">STOP</div><p>Yes</p><span style="mso-hide:all">STOP</span>') == "Yes"


@pytest.mark.parametrize(
    "quote",
    [
        "<blockquote type=cite>STOP<br>now</blockquote>",
        '<div class="gmail_quote">On Monday Bob wrote:<br>STOP</div>',
        '<div class="gmail_quote"><div class="gmail_attr">B</div><blockquote class=gmail_quote>STOP</blockquote></div>',
        '<div id="divRplyFwdMsg"><b>From:</b> Bob</div><div>STOP</div>',
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt"><p><b>From:</b> Bob<br><b>Sent:</b> 3/2</p></div>STOP',
        '<div style="border-left:solid blue 1.5pt">STOP</div>',
        '<div id="yahoo_quoted_1" class="yahoo_quoted">STOP</div>',
        '<div class="moz-cite-prefix">Bob wrote:</div><blockquote>STOP</blockquote>',
        '<div class="protonmail_quote">STOP</div>',
        '<div name="quote">STOP</div>',
        '<div class="x_gmail_quote">STOP</div>',
    ],
)
def test_quotes_of_every_mail_program_are_marked(quote):
    assert own(f"<div>Yes please</div>{quote}") == "Yes please"
    assert "> STOP" in from_html(f"<div>Yes please</div>{quote}")


def test_an_answer_between_the_quotes_and_below_them_is_the_writers():
    html = (
        '<div class="gmail_quote"><blockquote class="gmail_quote">price?</blockquote><div>fifty</div>'
        "<blockquote>when?</blockquote></div><p>now</p>"
    )
    assert own(html).split() == ["fifty", "now"]


def test_an_indented_text_without_a_line_beside_it_is_no_quote():
    indented = '<blockquote style="margin:0 0 0 40px;border:none">Yes</blockquote>'
    assert own(f"<p>Hello</p>{indented}").split() == ["Hello", "Yes"]


def test_where_everything_is_a_quote_it_counts():
    assert from_html("<blockquote><p>Please stop.</p></blockquote>") == "Please stop."


def test_unclosed_tags_and_signs_lose_no_words():
    assert from_html("a < b and <3 <p>c") == "a < b and <3\n\nc"
    assert from_html("<style>never closed <p>Yes") == "never closed\n\nYes"
    assert from_html('<a title="a>b">link</a> <b') == "link <b"


@pytest.mark.parametrize(
    "repeated", ["<", "<a", "<!--", "<!", "<style>", "</a>", "<blockquote>", "&", '<a title="', "<p x=>", "<pre>\n"]
)
def test_the_time_grows_with_the_length_only(repeated):
    text = repeated * (200_000 // len(repeated))
    assert processor_seconds(lambda: from_html(text), enough=1) < 1


def test_the_number_of_tags_that_are_read_is_bounded_and_the_words_behind_them_are_not():
    assert from_html("<b></b>" * html_text.MAX_TAGS + "<p>Yes</p>") == "Yes"
