"""Moodle XML as Moodle 4 writes it."""

import pytest

from exams.documents import DocumentError
from exams.interchange.bankfile import NO_UNIT, Defaults
from exams.interchange.formats import imported

OWN = Defaults("dx", "t", "某书")
QUIZ = """\
<?xml version="1.0" encoding="UTF-8"?>
<quiz>
<!-- question: 0  -->
  <question type="category">
    <category><text>$course$/top/默认/呼吸//循环</text></category>
    <info format="html"><text></text></info>
    <idnumber></idnumber>
  </question>
<!-- question: 101  -->
  <question type="multichoice">
    <name><text>呼吸音</text></name>
    <questiontext format="html">
      <text><![CDATA[<p dir="ltr">CO<sub>2</sub> 潴留的<strong>体征</strong>是<br></p><p>（单选）</p>]]></text>
    </questiontext>
    <generalfeedback format="html"><text><![CDATA[<p>见教材。</p>]]></text></generalfeedback>
    <defaultgrade>1.3000000</defaultgrade>
    <penalty>0.3333333</penalty>
    <hidden>0</hidden>
    <idnumber>resp-7</idnumber>
    <single>true</single>
    <shuffleanswers>true</shuffleanswers>
    <answernumbering>abc</answernumbering>
    <showstandardinstruction>0</showstandardinstruction>
    <correctfeedback format="html"><text>回答正确。</text></correctfeedback>
    <answer fraction="0" format="html"><text><![CDATA[<p>发绀</p>]]></text>
      <feedback format="html"><text></text></feedback></answer>
    <answer fraction="100" format="html"><text><![CDATA[<p>球结膜水肿</p>]]></text>
      <feedback format="html"><text>对</text></feedback></answer>
    <answer fraction="50" format="html"><text>杵状指</text></answer>
    <answer fraction="0" format="html"><text>黄疸</text></answer>
    <answer fraction="0" format="html"><text>皮疹</text></answer>
    <hint format="html"><text>再想想</text></hint>
    <tags><tag><text>期中</text></tag><tag><text>level:analyse</text></tag></tags>
  </question>
  <question type="numerical">
    <name><text>AG</text></name>
    <questiontext format="html"><text>阴离子间隙？</text></questiontext>
    <generalfeedback format="html"><text></text></generalfeedback>
    <defaultgrade>2</defaultgrade>
    <answer fraction="100" format="moodle_auto_format"><text>26</text><tolerance>0.5</tolerance></answer>
    <answer fraction="50" format="moodle_auto_format"><text>25</text><tolerance>0</tolerance></answer>
    <unitgradingtype>0</unitgradingtype>
  </question>
  <question type="essay">
    <name><text>essay-1</text></name>
    <questiontext format="html"><text>简述 &lt;b&gt;胸痛&lt;/b&gt; 问诊。</text></questiontext>
    <defaultgrade>5</defaultgrade>
    <graderinfo format="html"><text><![CDATA[<p>部位、性质、诱因各一分</p>]]></text></graderinfo>
  </question>
  <question type="matching"><name><text>m</text></name>
    <questiontext format="html"><text>配对</text></questiontext>
    <subquestion format="html"><text>a</text><answer><text>1</text></answer></subquestion></question>
  <question type="multichoice"><name><text>four</text></name>
    <questiontext format="html"><text>四选一</text></questiontext><single>true</single>
    <answer fraction="100"><text>甲</text></answer><answer fraction="0"><text>乙</text></answer>
    <answer fraction="0"><text>丙</text></answer><answer fraction="0"><text>丁</text></answer></question>
  <question type="multichoice"><name><text>pic</text></name>
    <questiontext format="html"><text><![CDATA[<img src="@@PLUGINFILE@@/a.png" alt="x">看图]]></text>
    <file name="a.png" path="/" encoding="base64">AAAA</file></questiontext></question>
</quiz>
"""


def test_what_moodle_writes_is_read():
    made, losses = imported(QUIZ.encode(), "moodle", "mid", OWN)
    choice, numeric, essay = made.items
    assert (choice.id, choice.type, choice.key, choice.points) == ("resp-7", "A1", "B", 1.5)
    assert (choice.topic, choice.level, choice.source) == ("呼吸/循环", "analyse", "某书")
    assert choice.stem == "CO₂ 潴留的体征是\n（单选）"
    assert choice.rationale == "见教材。\n球结膜水肿：对"
    assert (numeric.key, numeric.tolerance, numeric.unit, numeric.points) == (26, 0.5, NO_UNIT, 2)
    assert essay.stem == "简述 胸痛 问诊。"
    assert essay.rubric == ((5.0, "部位、性质、诱因各一分"),)
    told = {(loss.item, loss.what): loss.why for loss in losses}
    assert told["m", "item"] == "left out: the bank has no items of Moodle's type 'matching'"
    assert "this one has 4" in told["four", "item"]
    assert "picture" in told["pic", "item"]
    assert told["AG", "other answers"] == "an item has one number, the first that earns all points"
    wanted = {"tag", "weights", "hints", "emphasis", "points", "difficulty", "source", "subject", "type"}
    wanted |= {"penalty", "answernumbering", "correctfeedback", "showstandardinstruction"}
    assert {what for item, what in told if item == "resp-7"} == wanted


def quiz(text: str) -> bytes:
    options = "".join(f'<answer fraction="{100 * (c == "b")}"><text>{c}</text></answer>' for c in "abcde")
    return (
        '<quiz><question type="multichoice"><name><text>q</text></name><questiontext format="html"><text>'
        f"<![CDATA[{text}]]></text></questiontext>{options}</question></quiz>"
    ).encode()


BOMB = (
    '<!DOCTYPE quiz [<!ENTITY a "aaaa">'
    + "".join(f'<!ENTITY a{n} "{"&a;" * 9}">' for n in range(9))
    + "]><quiz>&a8;</quiz>"
)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (BOMB.encode(), "declares a DTD or entities"),
        (b'<!DOCTYPE quiz SYSTEM "http://x.example/a.dtd"><quiz/>', "declares a DTD or entities"),
        (b'<!DOCTYPE q [<!ENTITY x SYSTEM "file:///etc/passwd">]><quiz>&x;</quiz>', "declares a DTD or entities"),
        (BOMB.encode("utf-16"), "declares a DTD or entities"),
        (b"<quiz>" + b"<a>" * 200 + b"</a>" * 200 + b"</quiz>", "nests more than 100 elements"),
        (b"<quiz>", "is not valid XML"),
        ('<?xml version="1.0" encoding="gb18030"?><quiz>题</quiz>'.encode("gb18030"), "is not valid XML in UTF-8"),
        (b"::q::x{}", "is not valid XML"),
        (b"<assessmentItem/>", "This is not Moodle XML"),
        (b"<quiz/>", "There are no questions"),
        (quiz("<script>x</script>"), "a <script> element"),
        (quiz("<SCRIPT src=x>"), "a <script> element"),
        (quiz("<svg><a/></svg>"), "a <svg> element"),
        (quiz("<iframe src='x'>"), "a <iframe> element"),
        (quiz("<img src=x onerror=alert(1)>"), "event handler 'onerror'"),
        (quiz("<a href='java\nscript:alert(1)'>x</a>"), "begins with javascript"),
        (quiz("<a href='&#106;avascript:alert(1)'>x</a>"), "begins with javascript"),
        (quiz("<a href='data:text/html;base64,AAAA'>x</a>"), "begins with data"),
        (quiz("<img src='data:image/svg+xml;base64,AAAA'>"), "begins with data"),
        (quiz("<form action=x>"), "a <form> element"),
        (quiz('<p style="background:url(javascript:x)">x</p>'), "a style that loads"),
        (quiz("&lt;img src=x onerror=alert(1)&gt;"), "an event handler"),
    ],
)
def test_what_could_harm_is_refused(data, said):
    with pytest.raises(DocumentError, match=said):
        imported(data, "moodle", "mid", OWN)


def test_a_harmful_text_in_a_question_that_is_left_out_refuses_the_file():
    bad = quiz("x").replace(b'type="multichoice"', b'type="cloze"').replace(b"CDATA[x", b"CDATA[<script>")
    with pytest.raises(DocumentError, match="a <script> element"):
        imported(bad, "moodle", "mid", OWN)
