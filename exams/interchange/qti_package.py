"""A QTI package: a zip of items and an imsmanifest.xml, which holds what an item itself has no place for.

In the manifest's IEEE LOM: our id as identifier; type, level, difficulty, group, unit as keywords; the source as what
the item is based on; subject and topic as its discipline.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from exams.documents import DocumentError
from exams.interchange.qti_item import (
    Dialect,
    assessment_item,
    document,
    item_path,
    stimulus,
    stimulus_path,
)
from exams.interchange.qti_reader import ItemReader, old_names
from exams.interchange.question import Question, Reading, UnusableError, facts, named, read_as_items, read_facts
from exams.interchange.report import ALL, WHOLE, Loss
from exams.interchange.safe import read_xml, read_zip
from exams.items import SHARED_STEM, Item, groups_of

MANIFEST = "imsmanifest.xml"
LOM = "http://ltsc.ieee.org/xsd/LOM"
LOM_SOURCE = "LOMv1.0"
DATE = (1980, 1, 1, 0, 0, 0)  # of every file in a package, so that the same bank makes the same bytes
PLACED = ("points", "max_length", "subject", "topic")  # facts that have a place of their own in QTI
HARDEST = ((0.3, "very difficult"), (0.5, "difficult"), (0.7, "medium"), (0.85, "easy"), (1.0, "very easy"))


def write(items: Sequence[Item], dialect: Dialect) -> bytes:
    """The items as a package."""
    root = Element("manifest", {"identifier": "xinglin-bank", "xmlns": dialect.manifest})
    root.set("xmlns:lom", LOM)
    root.set("xmlns:qti", dialect.metadata)
    about = SubElement(root, "metadata")
    SubElement(about, "schema").text = dialect.schema
    SubElement(about, "schemaversion").text = dialect.schema_version
    SubElement(root, "organizations")
    resources = SubElement(root, "resources")
    files = {MANIFEST: b""}
    for group in groups_of(items):
        if dialect.modern and group.stem:
            files[stimulus_path(group)] = document(stimulus(group), dialect)
            _resource(resources, f"stimulus-{group.id}", dialect.stimulus_type, stimulus_path(group))
    for item in items:
        files[item_path(item)] = document(assessment_item(item, dialect), dialect)
        resource = _resource(resources, f"item-{item.id}", dialect.item_type, item_path(item))
        _metadata(resource, item)
        SubElement(resource, "file", href=item_path(item))
        if dialect.modern and item.group and item.type in SHARED_STEM:
            SubElement(resource, "dependency", identifierref=f"stimulus-{item.group.id}")
    for resource in resources:
        if resource.find("file") is None:
            SubElement(resource, "file", href=resource.get("href", ""))
    indent(root, " ")
    files[MANIFEST] = f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'.encode()
    return _zipped(files)


def _resource(resources: Element, name: str, kind: str, path: str) -> Element:
    return SubElement(resources, "resource", identifier=name, type=kind, href=path)


def _metadata(resource: Element, item: Item) -> None:
    metadata = SubElement(resource, "metadata")
    lom = SubElement(metadata, "lom:lom")
    general = SubElement(lom, "lom:general")
    _nested(general, "lom:identifier/lom:catalog").text = "xinglin"
    SubElement(general[-1], "lom:entry").text = item.id
    for fact in facts(item, but=PLACED):
        _nested(general, "lom:keyword/lom:string").text = fact
    hardness = next(word for most, word in HARDEST if item.difficulty <= most)
    _vocabulary(SubElement(lom, "lom:educational"), "lom:difficulty", hardness)
    relation = SubElement(lom, "lom:relation")
    _vocabulary(relation, "lom:kind", "isbasedon")
    _nested(relation, "lom:resource/lom:description/lom:string").text = item.source
    classification = SubElement(lom, "lom:classification")
    _vocabulary(classification, "lom:purpose", "discipline")
    path = SubElement(classification, "lom:taxonPath")
    _nested(path, "lom:source/lom:string").text = "xinglin"
    for name in (item.subject, item.topic):
        _nested(path, "lom:taxon/lom:entry/lom:string").text = name
    own = SubElement(metadata, "qti:qtiMetadata")
    kind = "extendedText" if item.type == "short" else "choice" if item.options else "textEntry"
    for name, value in (("interactionType", kind), ("solutionAvailable", "true"), ("toolName", "Xinglin")):
        SubElement(own, f"qti:{name}").text = f"{value}Interaction" if name == "interactionType" else value


def _nested(parent: Element, path: str) -> Element:
    for tag in path.split("/"):
        parent = SubElement(parent, tag)
    return parent


def _vocabulary(parent: Element, tag: str, value: str) -> None:
    word = SubElement(parent, tag)
    SubElement(word, "lom:source").text = LOM_SOURCE
    SubElement(word, "lom:value").text = value


def _zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return packed.getvalue()


def read(data: bytes, stem: str, dialect: Dialect) -> Reading:
    """The items of a package, or of one item as XML; `stem` begins the ids of those without. Raises DocumentError."""
    if not data.startswith(b"PK"):
        root = read_xml(data)
        _refuse_other(root, dialect)
        return _assembled([(Element("resource"), root)], {}, stem, [], set())
    files = read_zip(data)
    if MANIFEST not in files:
        raise DocumentError(f"The zip is no QTI package, since it has no {MANIFEST} on top: export it again.")
    manifest = _bare(read_xml(files[MANIFEST], MANIFEST))
    used = {MANIFEST}
    losses: list[Loss] = []
    found: list[tuple[Element, Element]] = []
    for resource in manifest.iter("resource"):
        kind, path = resource.get("type", ""), _inside(resource.get("href", ""))
        if not kind.startswith("imsqti_item"):
            continue
        if path not in files:
            losses.append(Loss(resource.get("identifier", "") or path, WHOLE, "left out: its file is not in the zip"))
            continue
        used.add(path)
        root = read_xml(files[path], path)
        _refuse_other(root, dialect)
        found.append((resource, root))
    if not found and not losses:
        raise DocumentError("The package lists no items: export it with its items, not as a test alone.")
    return _assembled(found, files, stem, losses, used)


def _bare(element: Element) -> Element:
    """The element and all in it without namespaces."""
    made = Element(element.tag.rpartition("}")[2], element.attrib)
    made.text, made.tail = element.text, element.tail
    made.extend([_bare(child) for child in element])
    return made


def _inside(href: str, folder: str = "") -> str:
    """The path in the zip that `href` means. Raises DocumentError where it is outside."""
    path = posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0].partition("?")[0])))
    if path.startswith(("/", "..")) or "\\" in path or ":" in path:
        raise DocumentError(f"The package refers to a file outside of itself ({href!r:.80}): do not use it.")
    return path


def _refuse_other(root: Element, dialect: Dialect) -> None:
    tag = root.tag.rpartition("}")[2]
    wanted = "qti-assessment-item" if dialect.modern else "assessmentItem"
    if tag in ("qti-assessment-item", "assessmentItem") and tag != wanted:
        raise DocumentError(
            f"This is not {dialect.name}: import it with --format {'qti21' if dialect.modern else 'qti30'}."
        )
    if tag != wanted:
        raise DocumentError(
            f"This is not an item of {dialect.name}, which is <{wanted}>, but <{tag:.60}>: see --format."
        )


def _assembled(
    found: Sequence[tuple[Element, Element]],
    files: Mapping[str, bytes],
    stem: str,
    losses: list[Loss],
    used: set[str],
) -> Reading:
    """The reading of (resource, item) pairs; `used` gathers the files that an item needs."""
    questions: list[Question] = []
    for resource, root in found:
        folder = posixpath.dirname(_inside(resource.get("href", "")))

        def stimulus_at(href: str, folder: str = folder) -> Element | None:
            path = _inside(href, folder)
            used.add(path)
            return old_names(read_xml(files[path], path)) if path in files else None

        reader = ItemReader(old_names(root), _entry(resource))
        tags, source, told = _told(resource, reader.name)
        try:
            question = reader.question(tags, source, stimulus_at)
            questions.append(replace(question, losses=(*question.losses, *told)))
        except UnusableError as error:
            losses.append(error.loss)
    losses += [
        Loss(ALL, "file", f"{name} of the package is not an item, and not used") for name in sorted(files.keys() - used)
    ]
    return read_as_items(named(questions, stem), losses)


def _entry(resource: Element) -> str:
    """Our own id, where we wrote the manifest."""
    for each in resource.iterfind("metadata/lom/general/identifier"):
        if each.findtext("catalog") == "xinglin":
            return each.findtext("entry", "")
    return ""


def _told(resource: Element, name: str) -> tuple[dict[str, str], str, tuple[Loss, ...]]:
    """(facts, source, losses) of the metadata of a resource."""
    keywords = [text.text or "" for text in resource.iterfind("metadata/lom/general/keyword/*")]
    found, losses = read_facts(keywords, name)
    entries = [text.text or "" for text in resource.iterfind("metadata/lom/classification/taxonPath/taxon/entry/*")]
    if entries:
        found.setdefault("topic", entries[-1])
    if len(entries) > 1:
        found.setdefault("subject", entries[0])
    source = ""
    for relation in resource.iterfind("metadata/lom/relation"):
        if relation.findtext("kind/value") == "isbasedon":
            source = source or relation.findtext("resource/description/string", "").strip()
    read = {*keywords, *entries, source}
    beyond = [
        text for text in resource.iterfind("metadata/lom//*") if (text.text or "").strip() and text.text not in read
    ]
    if beyond and not _entry(resource):
        losses += (Loss(name, "metadata", "but for keywords, discipline and source the bank has no place for it"),)
    return found, source, losses
