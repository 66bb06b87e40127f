"""GIFT as teachers write it."""

import pytest

from exams.documents import DocumentError
from exams.interchange.bankfile import NO_RATIONALE, NO_UNIT, Defaults
from exams.interchange.formats import imported
from exams.interchange.report import lines

GIFT = """\
// 诊断学期中，手写
$CATEGORY: $course$/诊断学/呼吸系统

// 第一题 [id:resp-1] [tag:level:recall] [tag:王老师]
::叩诊::正常肺部叩诊音是 {
=清音 # 对
~浊音 # 见于实变
~鼓音
~实音
~过清音
#### 含气的肺组织
}

::pH::[html]<p>动脉血&nbsp;CO<sub>2</sub> 分压上限 &lt; 50 mmHg，即 10<sup>9</sup>\\: 多少<b>mmHg</b>？</p>{#45:1}

::range::体温 {#36..37.2} 度

::four::四个选项{ =甲 ~乙 ~丙 ~丁 }

::multi::下列属于体征的有{~%50%啰音 ~%50%杂音 ~%-100%头痛 ~%-100%乏力 ~%-100%恶心}

::write::简述胸痛的问诊要点。{}

::tf::心尖搏动位于第五肋间。{TRUE}

::match::配对{=甲 -> 1 =乙 -> 2}

::word::首都是{=北京}

::pic::<img src="x.png">看图{=a ~b ~c ~d ~e}

::open::缺括号{=a ~b

说明文字，不是题。
"""


def test_what_teachers_write_is_read():
    made, losses = imported(GIFT.encode("utf-8-sig"), "gift", "mid", Defaults("dx", "t", "某书"))
    first, second, third, multi, essay = made.items
    assert (first.id, first.type, first.key, first.level, first.topic) == ("resp-1", "A1", "A", "recall", "呼吸系统")
    assert first.rationale == "含气的肺组织\n清音：对\n浊音：见于实变"
    assert first.source == "某书"
    assert second.stem == "动脉血\u00a0CO₂ 分压上限 < 50 mmHg，即 10⁹: 多少mmHg？"
    assert (second.key, second.tolerance, second.unit, second.rationale) == (45.0, 1.0, NO_UNIT, NO_RATIONALE)
    assert third.stem == "体温 _____ 度"
    assert (third.key, third.tolerance) == (36.6, 0.6)
    assert (multi.type, multi.key, essay.type) == ("X", ("A", "B"), "short")
    told = {(loss.item, loss.what): loss.why for loss in losses}
    assert (
        told["four", "item"] == "left out: A1 items have 5 options, this one has 4: add what is missing and import it"
    )
    assert told["tf", "item"] == "left out: the bank has no items that are true or false"
    assert told["match", "item"] == "left out: the bank has no items that match two lists"
    assert told["word", "item"] == "left out: the bank has no items that ask for a word"
    assert "picture" in told["pic", "item"]
    assert "braces" in told["open", "item"]
    assert told["resp-1", "tag"] == "the bank has no place for the tag '王老师'"
    assert told["pH", "emphasis"] == "plain text does not show it"
    assert [what for _, what in told if what == "description"] == ["description"]
    assert told["*", "comment"] == "the comment '// 诊断学期中，手写' is not read"
    assert "difficulty: the file does not say it, 0.7 stands in (5 items: resp-1, pH, range, multi, write)" in lines(
        losses
    )


def test_names_that_are_no_ids_are_replaced_and_listed():
    made, losses = imported("::肺部叩诊::题{=a ~b ~c ~d ~e}".encode(), "gift", "mid", Defaults("dx", "t", "s"))
    assert made.items[0].id == "mid-001"
    assert ("mid-001", "id") in {(loss.item, loss.what) for loss in losses}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("::a::题{=甲 ~乙}".encode("gb18030"), "Line 1 is not UTF-8 text"),
        ("::a::题{=甲 ~乙}".encode("utf-16"), "Line 1 is not UTF-8 text"),
        (b"\n\n", "There are no questions in this file"),
        (b"::a::x\x01{=b ~c}", "Line 1 holds a control character"),
        (b"::a::x{=b ~c ~d ~e ~f}\n\n::a::y{=b ~c ~d ~e ~f}", "The id 'a' stands in the file twice"),
        (b"::a::[html]x <script>alert(1)</script>{=b ~c ~d ~e ~f}", "a <script> element"),
        (b"::a::[plain]x <script >{=b ~c ~d ~e ~f}", "a <script> element"),
        (b"::a::[html]&lt;script&gt;{=b ~c ~d ~e ~f}", "a <script> element"),
        (b'::a::[html]<p onclick\\="x()">x</p>{=b ~c ~d ~e ~f}', "the event handler 'onclick'"),
        (b'::a::<a href\\="java&#10;script\\:x()">x</a>{=b ~c ~d ~e ~f}', "begins with javascript"),
        (b"::a::x{=b ~c ~d ~e ~f####<a href\\=' DATA\\:text/html,x'>x</a>}", "begins with data"),
        (b"::a::[plain]x\\n### END SOLUTION{=b ~c ~d ~e ~f}", "a marker of nbgrader cells"),
    ],
)
def test_what_could_harm_is_refused(data, said):
    with pytest.raises(DocumentError, match=said):
        imported(data, "gift", "mid", Defaults("dx", "t", "s"))
