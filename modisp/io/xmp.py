"""What modisp keeps inside its own files, as XMP: state, frame, metadata, readings, recipe, digest.

The data are one JSON text in one XMP property, so that every program that copies XMP carries them along unharmed, and
nothing is lost to XMP's own ideas of numbers and lists.  (XMP: ISO 16684-1.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn
from xml.etree import ElementTree
from xml.sax.saxutils import escape

if TYPE_CHECKING:  # parsing happens in processes without torch
    from modisp.image import Image, Metadata

NAMESPACE = "urn:modisp:1.0/"
FORMAT = 1

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:modisp="{namespace}">
   <xmp:CreatorTool>modisp</xmp:CreatorTool>
   <modisp:extras>{extras}</modisp:extras>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def pack_extras(extras: Mapping[str, Any]) -> bytes:
    """An XMP packet (UTF-8) that carries `extras`, which must be plain JSON data.

    Raises ValueError for what JSON cannot say: NaN, infinities, objects, keys that are not strings.
    """
    try:
        # ASCII JSON: control characters and lone surrogates are escaped, so every text is legal XML.
        text = json.dumps(extras, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as e:
        raise ValueError(f"these data cannot be kept in XMP: {e}") from e
    _check_keys(extras)
    return _PACKET.format(namespace=NAMESPACE, extras=escape(text)).encode()


def image_extras(image: Image, meta: Metadata, extras: Mapping[str, Any] | None) -> dict[str, Any]:
    """What goes into a file of ours: `extras`, and the state, frame and metadata (`meta`: what may be passed on)."""
    frame = image.frame
    own = {
        "format": FORMAT,
        "state": image.state.name,
        "frame": {"full": frame.full, "rect": frame.rect, "size": frame.size},
        "metadata": meta.dump(),
    }
    return {**(extras or {}), **own}


def parse_extras(xmp: bytes) -> dict[str, Any]:
    """The data that `pack_extras` put into an XMP packet; {} where there are none of ours.

    Raises ValueError where ours are there but damaged, or written by a newer format than this one.
    """
    if NAMESPACE.encode() not in xmp:
        return {}
    body = re.sub(rb"<\?xpacket.*?\?>", b"", xmp, flags=re.S).strip(b"\0 \t\r\n\xef\xbb\xbf")
    if b"<!" in re.sub(rb"<!--.*?-->", b"", body, flags=re.S):
        raise ValueError("the XMP of this file holds declarations that do not belong there")
    try:
        found = _property(ElementTree.fromstring(body))
        data = json.loads(found, parse_constant=_refuse) if found is not None else {}
    except (ElementTree.ParseError, ValueError, RecursionError) as e:
        raise ValueError(f"the XMP of this file is damaged: {e}") from e
    if not isinstance(data, dict):
        raise ValueError("the XMP of this file is damaged: it holds no table of data")
    made_by = data.get("format", FORMAT)
    if not isinstance(made_by, int) or made_by > FORMAT:
        raise ValueError(f"this file was written by a newer modisp (format {made_by}); update modisp to resume from it")
    return data


def _property(root: ElementTree.Element) -> str | None:
    """Our JSON text: an element as written here, or an attribute as other programs re-write it."""
    key = f"{{{NAMESPACE}}}extras"
    for element in root.iter():
        if element.tag == key:
            return element.text or ""
        if key in element.attrib:
            return element.attrib[key]
    return None


def _check_keys(data: Any) -> None:
    """Refuse keys that JSON would silently turn into strings."""
    todo = [data]
    while todo:
        item = todo.pop()
        if isinstance(item, Mapping):
            if not all(isinstance(k, str) for k in item):
                raise ValueError("these data cannot be kept in XMP: a key is not a string")
            todo.extend(item.values())
        elif isinstance(item, list | tuple):
            todo.extend(item)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
