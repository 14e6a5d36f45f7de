"""The XMP packet of an export: who made the picture, and by what kind of process.

Unsigned text: anyone can write or remove it. It is written before signing, so that the signature
covers it, and it is what readers without Content Credentials look at.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import quoteattr

from engine.image.formats import sniff

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
"""IPTC's vocabulary; Content Credentials use the same words."""

_FOUND = re.compile(
    rb"DigitalSourceType\s*(?:=\s*[\"']|>\s*)"
    rb"http://cv\.iptc\.org/newscodes/digitalsourcetype/([A-Za-z]{1,64})\s*[\"'<]"
)


def packet(source_type: str | None, tool: str, made_at: str | None) -> bytes:
    """An XMP packet (ISO 16684-1) in UTF-8.

    source_type: IPTC Photo Metadata's DigitalSourceType, a full address, or None where no kind of
    source may be claimed. tool: xmp:CreatorTool. made_at: ISO 8601, or
    None where two renders shall be the same bytes.
    """
    source = f"\n   Iptc4xmpExt:DigitalSourceType={quoteattr(source_type)}" if source_type else ""
    date = f"\n   xmp:CreateDate={quoteattr(made_at)}" if made_at else ""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about=""\n'
        '   xmlns:xmp="http://ns.adobe.com/xap/1.0/"\n'
        '   xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        f"{source}\n"
        f"   xmp:CreatorTool={quoteattr(tool)}"
        f"{date}/>\n"
        " </rdf:RDF>\n"
        "</x:xmpmeta>\n"
        '<?xpacket end="r"?>'
    ).encode()


def stated_source_type(data: bytes) -> str | None:
    """The last word of the DigitalSourceType that the file's XMP states, or None.

    The packet is searched as text and never parsed as XML, so that no entity is expanded.
    """
    if sniff(data) is None:
        return None
    found = _FOUND.search(data)
    return found.group(1).decode("ascii") if found else None
