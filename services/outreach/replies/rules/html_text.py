"""The readable text of an HTML mail, with `> ` before what it quotes. Time grows with the length only."""

import re
from dataclasses import dataclass, field
from html import unescape

MAX_TAGS = 10_000
MAX_ATTRIBUTES = 4_000
LOOKAHEAD = 2_000
"""How many tags are read, how much of one tag, and how far a header block or an inner quote is looked for."""

_TAG = re.compile(r"<(?:(/?)([a-zA-Z][a-zA-Z0-9:]{0,30})|(!--)|[!?])")
_ATTRIBUTE = re.compile(r"\b(class|id|style|type|name)\s{0,5}=\s{0,5}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.I)
_SILENT = frozenset({"script", "style", "head", "title", "template"})
_VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "col", "base", "area", "wbr", "o:p", "source", "embed"})
_BLOCK = frozenset(
    "address article aside blockquote body caption center dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 header hr"
    " html li main nav ol p pre section table tbody tfoot thead tr ul".split()
)
_SPACED = frozenset("p h1 h2 h3 h4 h5 h6 ul ol table blockquote pre".split())
_QUOTE_NAMES = re.compile(
    r"\b(x_)*(yahoo_quoted\w*|ymail_quoted?|moz-cite-prefix|moz-forward-container|protonmail_quote|tutanota_quote|gmail_attr"
    r"|zmail_extra\w*|gmx_quote|ms-outlook-mobile-reference-message|mail-editor-reference-message-container"
    r"|OLK_SRC_BODY_SECTION|ntes-mailmaster-quote|isReplyContent|isForwardContent|hmquote|wm-quote|fastmail-quote|qt)(?![\w-])",
    re.I,
)
_GMAIL = re.compile(r"\b(x_)*gmail_quote(?![\w-])", re.I)
_REST = re.compile(r"\b(x_)*(divRplyFwdMsg|appendonsend|stopSpelling|reply-?intro)(?![\w-])", re.I)
_OUTLOOK_RULE = re.compile(
    r"border-top\s{0,3}:\s{0,3}(solid|[\w.#]{1,10} solid)|border-top\s{0,3}:[^;]{0,40}\bsolid\b", re.I
)
_OUTLOOK_SIDE = re.compile(
    r"border-left\s{0,3}:[^;]{0,20}\bsolid\b[^;]{0,30}\bblue\b|border-left\s{0,3}:\s{0,3}\w{0,6}\s?blue", re.I
)
_LABEL = re.compile(r">\s{0,10}[^<>:]{2,25}:\s{0,3}(?:&nbsp;)?\s{0,3}<")
_HIDDEN = re.compile(r"display\s{0,3}:\s{0,3}none|mso-hide\s{0,3}:\s{0,3}all|visibility\s{0,3}:\s{0,3}hidden", re.I)
_OWN_INDENT = re.compile(r"border\s{0,3}:\s{0,3}(none|0)", re.I)


def from_html(html: str) -> str:
    """The text of an HTML body, without scripts, styles and what is hidden; a mail that is one quote counts whole."""
    reader = _Reader(html)
    reader.read()
    lines = reader.lines
    if not any(text for quoted, text in lines if not quoted):
        lines = [(False, text) for _, text in lines]
    text = "\n".join((f"> {text}" if quoted else text) for quoted, text in lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


@dataclass(slots=True)
class _Reader:
    """Reads tag by tag. `open`: the elements that are open, with what each of them began (quoted, hidden)."""

    html: str
    lines: list[tuple[bool, str]] = field(default_factory=list)
    current: list[str] = field(default_factory=list)
    open: list[tuple[str, int, int]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    quoted: int = 0
    hidden: int = 0
    preformatted: int = 0
    never: set[str] = field(default_factory=set)
    """What was looked for up to the end in vain: it is not looked for again."""

    def read(self) -> None:
        html, position = self.html, 0
        for _ in range(MAX_TAGS):
            tag = _TAG.search(html, position)
            if not tag:
                break
            self._text(html[position : tag.start()])
            end = self._end_of(tag)
            if end < 0:
                self._text("<")
                position = tag.start() + 1
                continue
            position = end
            if tag.group(2):
                position = self._element(tag, end)
        self._text(re.sub(r"<[^<>]{0,300}>", " ", html[position:]))
        self._line()

    def _find(self, text: str, position: int) -> int:
        if text in self.never:
            return -1
        found = self.html.find(text, position)
        if found < 0:
            self.never.add(text)
        return found

    def _end_of(self, tag: re.Match[str]) -> int:
        """Where the tag ends, or -1. A `>` in a quoted attribute does not end it."""
        if tag.group(3) and (end := self._find("-->", tag.end())) >= 0:
            return end + 3
        end = self._find(">", tag.end())
        for _ in range(4):
            if end < 0 or self.html.count('"', tag.end(), min(end, tag.end() + MAX_ATTRIBUTES)) % 2 == 0:
                break
            quote = self.html.find('"', end, end + MAX_ATTRIBUTES)
            if quote < 0:
                break
            end = self._find(">", quote)
        return end + 1 if end >= 0 else -1

    def _element(self, tag: re.Match[str], end: int) -> int:
        name = tag.group(2).lower()
        if tag.group(1):
            self._close(name)
            return end
        if name in _SILENT:
            return self._after(name, end)
        if name in _BLOCK or name == "br":
            self._line(name in _SPACED)
        elif name in ("td", "th"):
            self._text(" ")
        attributes = self.html[tag.end() : min(end, tag.end() + MAX_ATTRIBUTES)]
        quotes, hides = self._effects(name, attributes, end)
        if quotes < 0:
            # From here on the mail is the message that it answers.
            self._line()
            self.quoted += 1
            quotes = 0
        if name in _VOID or attributes.endswith("/>"):
            return end
        if quotes:
            self._line()
        self.open.append((name, quotes, hides))
        self.counts[name] = self.counts.get(name, 0) + 1
        self.quoted += quotes
        self.hidden += hides
        self.preformatted += name == "pre"
        return end

    def _after(self, name: str, end: int) -> int:
        """The place after an element whose text is never shown; its start, where it has no end."""
        if name in self.never:
            return end
        close = re.compile(rf"</{name}\s{{0,20}}>", re.I).search(self.html, end)
        if close:
            return close.end()
        self.never.add(name)
        return end

    def _close(self, name: str) -> None:
        if name in _BLOCK:
            self._line(name in _SPACED)
        if not self.counts.get(name):
            return
        while self.open:
            opened, quotes, hides = self.open.pop()
            self.counts[opened] -= 1
            if quotes:
                self._line()
            self.quoted -= quotes
            self.hidden -= hides
            self.preformatted -= opened == "pre"
            if opened == name:
                return

    def _effects(self, name: str, attributes: str, end: int) -> tuple[int, int]:
        """(1 where the element is a quote, -1 where everything after it is; 1 where it is hidden)."""
        if not attributes.strip(" >/") and name != "blockquote":
            return 0, 0
        known: dict[str, str] = {}
        for hit in _ATTRIBUTE.finditer(attributes):
            known.setdefault(hit.group(1).lower(), hit.group(2) or hit.group(3) or hit.group(4) or "")
        names, style = f"{known.get('class', '')} {known.get('id', '')}", known.get("style", "")
        hides = int(bool(style and _HIDDEN.search(style)))
        if name == "blockquote":
            own = _OWN_INDENT.search(style) and known.get("type") != "cite" and not _GMAIL.search(names)
            return (0 if own else 1), hides
        if _REST.search(names):
            return -1, hides
        if _QUOTE_NAMES.search(names) or (name == "div" and known.get("name") == "quote"):
            return 1, hides
        if _GMAIL.search(names):
            # People answer between the quotes inside of it; what is forwarded stands there without a blockquote.
            return int("<blockquote" not in self.html[end : end + LOOKAHEAD].lower()), hides
        if _OUTLOOK_SIDE.search(style):
            return 1, hides
        if _OUTLOOK_RULE.search(style) and len(_LABEL.findall(self.html, end, end + LOOKAHEAD)) >= 2:
            return -1, hides
        return 0, hides

    def _text(self, text: str) -> None:
        if not text or self.hidden:
            return
        text = unescape(text) if "&" in text else text
        if self.preformatted:
            first, *more = text.split("\n")
            self.current.append(first)
            for line in more:
                self._line(blank=not "".join(self.current).strip())
                self.current.append(line)
        else:
            self.current.append(text)

    def _line(self, spaced: bool = False, blank: bool = False) -> None:
        """End the line, if there is one; `spaced`: with an empty line after it."""
        joined = "".join(self.current)
        text = joined.rstrip() if self.preformatted else " ".join(joined.split())
        self.current = []
        if text:
            self.lines.append((self.quoted > 0, text))
        if (spaced or blank) and self.lines and self.lines[-1][1]:
            self.lines.append((self.quoted > 0, ""))
