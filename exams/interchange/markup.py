"""HTML of other programs as the plain text of our items: stems and options have no markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from xml.etree.ElementTree import Element

from exams.documents import DocumentError
from exams.interchange.safe import refuse_address, refuse_long

ACTIVE = ("script", "iframe", "frame", "frameset", "embed", "applet", "form", "meta", "base", "link", "svg", "template")
BLOCKS: tuple[str, ...] = (
    "p",
    "div",
    "li",
    "ul",
    "ol",
    "dl",
    "dt",
    "dd",
    "tr",
    "table",
    "blockquote",
    "pre",
    "hr",
    "br",
    "section",
)
BLOCKS += ("h1", "h2", "h3", "h4", "h5", "h6", "article", "caption", "thead", "tbody", "prompt", "contentBody")
CELLS = ("td", "th")
EMPHASIS = ("b", "i", "u", "em", "strong", "s", "font", "mark", "small", "big", "tt", "code", "strike", "del", "ins")
PICTURES = ("img", "object", "picture", "audio", "video", "source", "canvas", "math", "include")
PLAIN = ("span", "a", "html", "body", "head", "abbr", "cite", "q", "kbd", "var", "samp", "dfn", "bdo", "address")
RASTER = re.compile(r"data:image/(?:png|jpe?g|gif|webp);base64,[A-Za-z0-9+/=\s]*", re.I)
TAG_OPENED = re.compile(r"<[a-zA-Z/!?]")
MOST_OPENED = 20  # tags begun before one ends: the HTML parser takes a square of the time for them
MOST_TAG = 5_000  # characters of a tag
MOST_RAISED = 3  # superscripts in superscripts
SUPERSCRIPT = str.maketrans("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
SUBSCRIPT = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
SPACE = re.compile(r"[ \t\n\r\f]+")  # what HTML takes for white space; the wide space of Chinese text is none
PICTURE = "picture"
NO_PICTURES = "it shows a picture, a sound or a formula, which a text of this bank cannot"
NO_MARKUP = "plain text does not show it"
BREAK = "\n"


class Plain:
    """Plain text put together from elements in order. `lost` names what plain text does not have."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.raised: list[tuple[str, int]] = []
        self.hidden = 0
        self.lost: dict[str, None] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins. Raises DocumentError where it could act in a browser."""
        refuse_active(tag, attributes)
        if tag in BLOCKS:
            self.parts.append(BREAK)
        elif tag in CELLS:
            self.parts.append(" ")
        elif tag in PICTURES:
            self.lost[PICTURE] = None
        elif tag in ("sub", "sup") and len(self.raised) < MOST_RAISED:
            self.raised.append((tag, len(self.parts)))
        elif tag == "style":
            self.hidden += 1
            self.lost["style"] = None
        elif tag in EMPHASIS:
            self.lost["emphasis"] = None
        elif tag not in PLAIN:
            self.lost[f"<{tag}>"] = None
        if attributes.get("href"):
            self.lost["link"] = None

    def end(self, tag: str) -> None:
        """An element ends."""
        if tag in BLOCKS and tag != "br":
            self.parts.append(BREAK)
        elif tag == "style":
            self.hidden = max(0, self.hidden - 1)
        elif self.raised and self.raised[-1][0] == tag:
            _, begin = self.raised.pop()
            inner = SPACE.sub(" ", "".join(self.parts[begin:])).strip()
            written = inner.translate(SUPERSCRIPT if tag == "sup" else SUBSCRIPT)
            if any(old == new for old, new in zip(inner, written, strict=True)):
                self.lost[f"<{tag}>"] = None
                written = f"^({inner})" if tag == "sup" else inner
            self.parts[begin:] = [written]

    def data(self, text: str) -> None:
        """Text between elements."""
        if not self.hidden:
            self.parts.append(SPACE.sub(" ", text))

    def text(self) -> str:
        """The text so far: a line for each block, no blank line."""
        lines = [SPACE.sub(" ", line).strip(" ") for line in "".join(self.parts).split(BREAK)]
        return "\n".join(line for line in lines if line).strip()


class _Html(HTMLParser):
    def __init__(self, plain: Plain):
        super().__init__()
        self.plain = plain

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.plain.start(tag, {name: value or "" for name, value in attrs})
        if any(not re.fullmatch(r"[a-z][a-z0-9_.:-]*", name) for name, _ in attrs):
            self.plain.lost["text between < and >"] = None

    def handle_endtag(self, tag: str) -> None:
        self.plain.end(tag)

    def handle_pi(self, _data: str) -> None:
        self.plain.lost["text between <? and >"] = None

    def unknown_decl(self, _data: str) -> None:
        self.plain.lost["text between <! and >"] = None

    def handle_data(self, data: str) -> None:
        self.plain.data(data)


def refuse_active(tag: str, attributes: Mapping[str, str]) -> None:
    """Raise DocumentError where an element or one of its attributes could act in a browser."""
    if tag.lower() in ACTIVE:
        raise DocumentError(f"The file holds a <{tag.lower()}> element, which could act on readers: remove it.")
    for name, value in attributes.items():
        plain = name.lower().rpartition(":")[2]
        if re.fullmatch("on[a-z]+", plain):
            raise DocumentError(f"The file holds the event handler {plain!r}, which could act on readers: remove it.")
        if plain in ("srcdoc", "formaction"):
            raise DocumentError(f"The file holds the attribute {plain!r}, which could act on readers: remove it.")
        if plain in ("href", "src", "data", "action", "background", "poster", "cite", "srcset") and not (
            tag.lower() == "img" and RASTER.match(value)
        ):
            refuse_address(value)
        if plain == "style" and re.search(
            r"expression\s*\(|javascript:|url\s*\(\s*['\"]?\s*(data|javascript)", value, re.I
        ):
            raise DocumentError("The file holds a style that loads or runs something: remove it.")


def html_text(html: str, *, keep_lines: bool = False) -> tuple[str, tuple[str, ...]]:
    """(plain text, what was lost) of HTML; `keep_lines` where a line of the source is a line. Raises DocumentError."""
    short = RASTER.sub("data:image/png;base64,", html)
    refuse_long(short)
    for part in short.split(">"):
        opened = list(TAG_OPENED.finditer(part))
        if opened and (len(opened) > MOST_OPENED or len(part) - opened[0].start() > MOST_TAG):
            raise DocumentError("A question holds tags without an end (<... without >): remove them, import again.")
    plain = Plain()
    parser = _Html(plain)
    parser.feed(short.replace("\n", "<br>") if keep_lines else short)
    parser.close()
    return plain.text(), tuple(plain.lost)


def element_text(element: Element, skipped: Iterable[str] = ()) -> tuple[str, tuple[str, ...]]:
    """(plain text, what was lost) of the inside of an XHTML element without namespaces, but for elements `skipped`."""
    plain = Plain()
    left_out = frozenset(skipped)

    def walk(inner: Element) -> None:
        plain.data(inner.text or "")
        for child in inner:
            if child.tag not in left_out:
                plain.start(child.tag, child.attrib)
                walk(child)
                plain.end(child.tag)
            plain.data(child.tail or "")

    walk(element)
    return plain.text(), tuple(plain.lost)
