"""HTML of other programs as plain text, what is lost of it, and what is refused."""

import time
from contextlib import suppress

import pytest

from exams.documents import DocumentError
from exams.interchange.markup import html_text
from exams.interchange.report import Loss, lines
from exams.interchange.safe import MOST_BYTES, MOST_TAGS, harm, read_text, read_xml, refuse_address


@pytest.mark.parametrize(
    ("html", "text", "lost"),
    [
        ("<p>一</p><p>二<br/>三</p>", "一\n二\n三", ()),
        ("<div>a  b\n c</div>", "a b c", ()),
        ("H<sub>2</sub>O，10<sup>-9</sup>，Ca<sup>2+</sup>", "H₂O，10⁻⁹，Ca²⁺", ()),
        ("x<sup>ab</sup>、T<sub>max</sub>", "x^(ab)、Tmax", ("<sup>", "<sub>")),
        ("<b>重</b><em>点</em>", "重点", ("emphasis",)),
        ("<ul><li>甲</li><li>乙</li></ul>", "甲\n乙", ()),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc", ()),
        ("<a href='https://x.example'>书</a>", "书", ("link",)),
        ("看<img src='a.png'>", "看", ("picture",)),
        ("看<img src='data:image/png;base64," + "AAAA" * 100_000 + "'>", "看", ("picture",)),
        ("<style>p {color: red}</style>字", "字", ("style",)),
        ("<blink>字</blink>", "字", ("<blink>",)),
        ("PaO2 < 60 且 a<5", "PaO2 < 60 且 a<5", ()),
        ("&lt;5 &amp; &ge;3　全角", "<5 & ≥3　全角", ()),
        ("A<B 且 C>D", "AD", ("emphasis", "text between < and >")),
        ("x <?php y ?> z", "x z", ("text between <? and >",)),
    ],
)
def test_harmless_html_becomes_text(html, text, lost):
    assert html_text(html) == (text, lost)


@pytest.mark.parametrize("piece", ["<!--", "<a ", "<a b='", "<a b=c ", "<![CDATA[", "<", "</a ", "<p><sup>", "<sup>x"])
def test_a_text_made_to_take_long_does_not(piece):
    begin = time.monotonic()
    for count in (5_000, 60_000):
        with suppress(DocumentError):
            html_text(piece * count)
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize(
    "address",
    ["javascript:x", " JavaScript:x", "java\tscript:x", "\u200bdata:text/html,x", "vbscript:x", "\x01javascript:x"],
)
def test_an_address_that_runs_is_refused(address):
    with pytest.raises(DocumentError, match="A link in the file begins with"):
        refuse_address(address)


def test_a_file_that_is_too_large_is_refused():
    with pytest.raises(DocumentError, match="larger than 50 MB"):
        read_text(b"x" * (MOST_BYTES + 1))


def test_a_report_groups_items_and_gives_a_terminal_no_commands():
    losses = [Loss("a\x9b31m", "tag", "why"), Loss("b", "tag", "why"), Loss("*", "rubric", "so")]
    assert lines(losses) == ["tag: why (2 items: a?31m, b)", "rubric: so"]


def test_xml_of_more_tags_than_memory_is_refused():
    with pytest.raises(DocumentError, match="more than 3000000 tags"):
        read_xml(b"<a>" + b"<a/>" * MOST_TAGS + b"</a>")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("PaO2 < 60 mmHg，p<0.05，[1](2)，R&D", ""),
        ("a\x07", "a control character"),
        ("< script>", "a <script> element"),
        ("<img src=https://x.example/a.png>", "a <img> element"),
        ("<p/onclick=x>", "an event handler"),
        ("![x](https://x.example/a.png)", "a picture by its address"),
        ("[x](JavaScript:y)", "an address that runs or holds content"),
        ("data:text/html;base64,AA", "an address that runs or holds content"),
        ("### END HIDDEN TESTS", "a marker of nbgrader cells"),
    ],
)
def test_what_could_act_in_a_plain_text_is_named(text, said):
    assert harm(text) == said
