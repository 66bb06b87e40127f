"""QTI 2.1 and 3.0 as other programs write them, and packages that mean harm."""

import zipfile
from io import BytesIO

import pytest

from exams.documents import DocumentError
from exams.interchange.bankfile import NO_UNIT, Defaults
from exams.interchange.formats import imported
from tests.support.narrowing import present
from tests.support.packages import manifest, packed

OWN = Defaults("dx", "t", "某书")
CHOICE = """\
<?xml version="1.0" encoding="UTF-8"?>
<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.imsglobal.org/xsd/imsqti_v2p1 imsqti_v2p1.xsd"
  identifier="murmur.1" title="杂音" adaptive="false" timeDependent="false">
  <responseDeclaration identifier="RESPONSE" cardinality="single" baseType="identifier">
    <correctResponse><value>ChoiceB</value></correctResponse>
    <mapping defaultValue="0"><mapEntry mapKey="ChoiceB" mappedValue="2"/>
      <mapEntry mapKey="ChoiceA" mappedValue="1"/></mapping>
  </responseDeclaration>
  <outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float" normalMaximum="2"/>
  <stylesheet href="style.css" type="text/css"/>
  <itemBody>
    <rubricBlock view="candidate"><p>单选。</p></rubricBlock>
    <p>男，30 岁，心尖部闻及
       <strong>舒张期</strong>隆隆样杂音。</p>
    <choiceInteraction responseIdentifier="RESPONSE" shuffle="true" maxChoices="1">
      <prompt>最可能的是？</prompt>
      <simpleChoice identifier="ChoiceA" fixed="false">二尖瓣关闭不全
        <feedbackInline outcomeIdentifier="FEEDBACK" identifier="ChoiceA" showHide="show">收缩期</feedbackInline>
      </simpleChoice>
      <simpleChoice identifier="ChoiceB"><p>二尖瓣狭窄</p></simpleChoice>
      <simpleChoice identifier="ChoiceC">主动脉瓣狭窄</simpleChoice>
      <simpleChoice identifier="ChoiceD">三尖瓣关闭不全</simpleChoice>
      <simpleChoice identifier="ChoiceE">室间隔缺损</simpleChoice>
    </choiceInteraction>
  </itemBody>
  <responseProcessing template="http://www.imsglobal.org/question/qti_v2p1/rptemplates/map_response"/>
  <modalFeedback outcomeIdentifier="FEEDBACK" identifier="general" showHide="show"><p>见教材。</p></modalFeedback>
</assessmentItem>
"""
ENTRY = """\
<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" identifier="ph" title="pH" adaptive="false"
  timeDependent="false">
  <responseDeclaration identifier="R1" cardinality="single" baseType="float">
    <correctResponse><value>7.4</value></correctResponse></responseDeclaration>
  <itemBody><p>动脉血 pH 约 <textEntryInteraction responseIdentifier="R1" expectedLength="5"/>。</p></itemBody>
  <responseProcessing><responseCondition><responseIf><equal toleranceMode="relative" tolerance="5 5">
    <variable identifier="R1"/><correct identifier="R1"/></equal></responseIf></responseCondition></responseProcessing>
</assessmentItem>
"""
ORDER = """\
<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" identifier="ord" title="o"><itemBody>
  <orderInteraction responseIdentifier="R"><simpleChoice identifier="A">甲</simpleChoice></orderInteraction>
</itemBody></assessmentItem>
"""
PICTURE = ENTRY.replace('"ph"', '"pic"').replace("<p>", '<p><img src="../media/a.png" alt="x"/>', 1)
LOM = (
    "<imsmd:lom><imsmd:general><imsmd:keyword><imsmd:string>心血管</imsmd:string></imsmd:keyword>"
    "<imsmd:keyword><imsmd:string>level:recall</imsmd:string></imsmd:keyword></imsmd:general></imsmd:lom>"
)


def test_a_package_of_qti_21_is_read():
    paths = ("items/a.xml", "items/b%20c.xml", "items/d.xml", "items/e.xml", "items/none.xml")
    files = {"imsmanifest.xml": manifest(*paths, metadata=LOM), "items/a.xml": CHOICE, "items/b c.xml": ENTRY}
    files |= {"items/d.xml": ORDER, "items/e.xml": PICTURE, "media/a.png": b"x"}
    made, losses = imported(packed(files), "qti21", "mid", OWN)
    choice, entry = made.items
    assert (choice.id, choice.type, choice.key, choice.points, choice.level) == ("murmur-1", "A1", "B", 2, "recall")
    assert choice.stem == "单选。\n男，30 岁，心尖部闻及 舒张期隆隆样杂音。\n最可能的是？"
    assert choice.options[:2] == (("A", "二尖瓣关闭不全"), ("B", "二尖瓣狭窄"))
    assert choice.rationale == "见教材。\n二尖瓣关闭不全：收缩期"
    assert (entry.stem, entry.key, entry.unit) == ("动脉血 pH 约 _____。", 7.4, NO_UNIT)
    assert entry.tolerance == pytest.approx(0.37)
    told = {(loss.item, loss.what): loss.why for loss in losses}
    assert told["ord", "item"] == "left out: the bank has no items of QTI's kind orderInteraction"
    assert "picture" in told["pic", "item"]
    assert told["R4", "item"] == "left out: its file is not in the zip"
    assert told["*", "file"] == "media/a.png of the package is not an item, and not used"
    assert {"tag", "weights", "style", "emphasis", "id", "title", "shuffling"} <= {
        what for item, what in told if item == "murmur-1"
    }


MODERN = """\
<?xml version="1.0" encoding="UTF-8"?>
<qti-assessment-item xmlns="http://www.imsglobal.org/xsd/imsqtiasi_v3p0" identifier="{name}" title="{name}"
  adaptive="false" time-dependent="false" xml:lang="zh-CN">
  <qti-response-declaration identifier="RESPONSE" cardinality="multiple" base-type="identifier">
    <qti-correct-response><qti-value>C1</qti-value><qti-value>C3</qti-value></qti-correct-response>
  </qti-response-declaration>
  <qti-outcome-declaration identifier="SCORE" cardinality="single" base-type="float"/>
  <qti-assessment-stimulus-ref identifier="stim1" href="../stimuli/s.xml" title="病例"/>
  <qti-item-body>
    <qti-choice-interaction response-identifier="RESPONSE" max-choices="0" class="qti-labels-upper-alpha">
      <qti-prompt><p>符合的有</p></qti-prompt>
      <qti-simple-choice identifier="C1">甲</qti-simple-choice>
      <qti-simple-choice identifier="C2">乙</qti-simple-choice>
      <qti-simple-choice identifier="C3">丙</qti-simple-choice>
      <qti-simple-choice identifier="C4">丁</qti-simple-choice>
    </qti-choice-interaction>
  </qti-item-body>
  <qti-response-processing template="match_correct.xml"/>
</qti-assessment-item>
"""
SINGLE = MODERN.replace('cardinality="multiple"', 'cardinality="single"').replace("<qti-value>C3</qti-value>", "")
SINGLE = SINGLE.replace(
    "</qti-choice-interaction>", '<qti-simple-choice identifier="C5">戊</qti-simple-choice></qti-choice-interaction>'
)
CASE = """\
<qti-assessment-stimulus xmlns="http://www.imsglobal.org/xsd/imsqtiasi_v3p0" identifier="stim1" title="病例">
  <qti-stimulus-body><p>女，20 岁。</p><p>发热 3 天。</p></qti-stimulus-body></qti-assessment-stimulus>
"""


def test_a_package_of_qti_30_is_read_with_its_stimulus():
    names = ("one", "two", "several")
    files = {f"items/{name}.xml": (MODERN if name == "several" else SINGLE).format(name=name) for name in names}
    files |= {"stimuli/s.xml": CASE}
    files["imsmanifest.xml"] = manifest(*(f"items/{name}.xml" for name in names), kind="imsqti_item_xmlv3p0")
    made, losses = imported(packed(files), "qti30", "mid", OWN)
    one, two, several = made.items
    assert (one.type, two.type, several.type, several.key) == ("A3", "A3", "X", ("A", "C"))
    assert one.group is two.group
    assert present(one.group).stem == "女，20 岁。\n发热 3 天。"
    assert one.stem == "符合的有"
    assert several.stem == "女，20 岁。\n发热 3 天。\n符合的有"
    assert not [loss for loss in losses if loss.what in ("item", "file")]


def test_one_item_as_xml_is_read():
    made, _ = imported(CHOICE.encode(), "qti21", "mid", OWN)
    assert [item.id for item in made.items] == ["murmur-1"]


def package(item=CHOICE, path="a.xml", **files):
    return packed({"imsmanifest.xml": manifest(path), path: item} | files)


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y "&x;&x;">]><assessmentItem>&y;</assessmentItem>'
FALSE_SIZE = packed({"imsmanifest.xml": b"\0" * 60_000_000})


def lying() -> bytes:
    """A zip whose directory says of a large file that it is small."""
    data = bytearray(FALSE_SIZE)
    place = data.rindex(b"PK\x01\x02")
    data[place + 24 : place + 28] = (10).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (FALSE_SIZE, "The zip unpacks to more than"),
        (packed({"a": b"\0" * 40_000_000}), "The zip unpacks to more than"),
        (lying(), "not a sound zip|unpacks to more than|no QTI package|not valid XML"),
        (packed({f"f{n}": b"" for n in range(20_001)}), "The zip unpacks to more than"),
        (packed({"../evil.xml": "x"}), "a file outside its own folder"),
        (packed({"/etc/evil.xml": "x"}), "a file outside its own folder"),
        (packed({"C:/evil.xml": "x"}), "a file outside its own folder"),
        (packed({"a\\..\\evil.xml": "x"}), "a file outside its own folder"),
        (packed({"items/link": "/etc/passwd"}, links=("items/link",)), "a symbolic link"),
        (packed({"imsmanifest.xml": manifest("../../etc/passwd")}), "refers to a file outside of itself"),
        (packed({"imsmanifest.xml": manifest("file:///etc/passwd")}), "refers to a file outside of itself"),
        (packed({"imsmanifest.xml": manifest("%2e%2e/x")}), "refers to a file outside of itself"),
        (packed({"a.txt": "x"}), "The zip is no QTI package"),
        (packed({"imsmanifest.xml": manifest()}), "The package lists no items"),
        (packed({"imsmanifest.xml": BOMB}), "imsmanifest.xml declares a DTD or entities"),
        (package(BOMB), "a.xml declares a DTD or entities"),
        (package(CHOICE.replace("<p>见", "<script>x</script><p>见")), "a <script> element"),
        (package(ORDER.replace("<itemBody>", "<itemBody><script/>")), "a <script> element"),
        (package(CHOICE.replace("<p>见", '<p onclick="x()">见')), "event handler 'onclick'"),
        (package(CHOICE.replace("<p>见", '<p><a href="javascript:x()">y</a>见')), "begins with javascript"),
        (package(CHOICE.replace("见", "&lt;script&gt;")), "a <script> element"),
        (package(SINGLE.format(name="x")), "import it with --format qti30"),
        (package("<questestinterop/>"), "but <questestinterop>"),
        (b"PK\x03\x04garbage", "not a sound zip"),
        (b"{}", "is not valid XML"),
    ],
)
def test_what_could_harm_is_refused(data, said):
    with pytest.raises(DocumentError, match=said):
        imported(data, "qti21", "mid", OWN)


def test_a_stimulus_outside_of_the_package_is_refused():
    item = SINGLE.format(name="one").replace("../stimuli/s.xml", "../../s.xml")
    data = packed({"imsmanifest.xml": manifest("items/a.xml", kind="imsqti_item_xmlv3p0"), "items/a.xml": item})
    with pytest.raises(DocumentError, match="refers to a file outside of itself"):
        imported(data, "qti30", "mid", OWN)


def test_an_encrypted_zip_is_refused():
    data = bytearray(package())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(mark)
        data[place + offset] |= 1
    with pytest.raises(DocumentError, match="encrypted"):
        imported(bytes(data), "qti21", "mid", OWN)


def test_a_file_twice_in_a_zip_is_refused():
    data = BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("imsmanifest.xml", "x")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("imsmanifest.xml", "y")
    with pytest.raises(DocumentError, match="two files of the same name"):
        imported(data.getvalue(), "qti21", "mid", OWN)
