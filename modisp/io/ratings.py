"""Stars and colour labels as other programs keep them: XMP beside a picture or inside it.

Read from `NAME.xmp` and `NAME.EXT.xmp`, else from the packet inside the file; written, when asked, to the `.xmp` file that is
there, or to `NAME.xmp`.  The picture itself is never written to.  (XMP: ISO 16684-1, properties xmp:Rating and xmp:Label.)
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from modisp.io.atomic import replacing

XMP, RDF, META = "http://ns.adobe.com/xap/1.0/", "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "adobe:ns:meta/"
HEAD, LARGEST = 256 << 10, 16 << 20
"""Bytes of a picture that are looked through for a packet, and the largest `.xmp` file that is read."""
_PACKET = re.compile(rb"<x:xmpmeta.*?</x:xmpmeta>", re.DOTALL)
_NAMES = (f"{{{XMP}}}Rating", f"{{{XMP}}}Label")


def beside(picture: Path) -> list[Path]:
    """Where programs put the XMP of a picture."""
    return [picture.with_name(picture.name + ".xmp"), picture.with_suffix(".xmp"), picture.with_suffix(".XMP")]


def read_rating(picture: Path) -> tuple[int, str] | None:
    """(rating −1 … 5, label) of a picture, None where nothing is said or can be read.  Never raises."""
    for file in beside(picture):
        try:
            if file.is_file() and file.stat().st_size <= LARGEST and (found := _rating(file.read_bytes())):
                return found
        except OSError:
            continue
    try:
        with open(picture, "rb") as stream:
            packet = _PACKET.search(stream.read(HEAD))
    except OSError:
        return None
    return _rating(packet.group()) if packet else None


def write_rating(picture: Path, rating: int, label: str) -> Path:
    """Write stars and label into the `.xmp` file of a picture, where all else stays; the file's path.

    OSError as the system raises it; ValueError where a file is there that is not XMP (it is left alone).
    """
    file = next((f for f in beside(picture) if f.is_file()), picture.with_suffix(".xmp"))
    for prefix, uri in (("xmp", XMP), ("rdf", RDF), ("x", META), *_prefixes(file)):
        ElementTree.register_namespace(prefix, uri)
    if file.is_file():
        root = _parsed(file.read_bytes())
        if root is None:
            raise ValueError(f"{file} is not XMP, and was left as it is")
    else:
        root = ElementTree.Element(f"{{{META}}}xmpmeta")
        ElementTree.SubElement(root, f"{{{RDF}}}RDF")
    rdf = root if root.tag == f"{{{RDF}}}RDF" else root.find(f"{{{RDF}}}RDF")
    if rdf is None:
        raise ValueError(f"{file} is not XMP, and was left as it is")
    rows = rdf.findall(f"{{{RDF}}}Description")
    if not rows:
        rows = [ElementTree.SubElement(rdf, f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""})]
    for row in rows:
        for name in _NAMES:
            row.attrib.pop(name, None)
            for child in row.findall(name):
                row.remove(child)
    rows[0].set(_NAMES[0], str(rating))
    if label:
        rows[0].set(_NAMES[1], label)
    with replacing(file) as out:
        out.write(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
    return file


def _prefixes(file: Path) -> list[tuple[str, str]]:
    """The prefixes that a file itself uses, so that they stay as they are."""
    try:
        text = file.read_bytes()[:LARGEST].decode("utf-8", "replace")
    except OSError:
        return []
    found = re.findall(r'xmlns:([A-Za-z_][\w.-]*)\s*=\s*["\']([^"\']+)["\']', text)
    return [(p, u) for p, u in found if not re.fullmatch(r"ns\d+|xml", p)]


def _parsed(data: bytes) -> ElementTree.Element | None:
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:  # XMP has neither; entities can be made to grow without end
        return None
    try:
        return ElementTree.fromstring(data.strip(b"\x00 \r\n\t"))
    except (ElementTree.ParseError, ValueError, LookupError):
        return None


def _rating(data: bytes) -> tuple[int, str] | None:
    root = _parsed(data)
    if root is None:
        return None
    stars, label = None, ""
    for row in root.iter(f"{{{RDF}}}Description"):
        found = [row.get(n) or row.findtext(n) for n in _NAMES]
        stars, label = found[0] or stars, (found[1] or label or "").strip()
    try:
        rating = round(float(stars)) if stars else 0
    except (ValueError, OverflowError):
        rating = 0
    if not stars and not label:
        return None
    return min(max(rating, -1), 5), label
