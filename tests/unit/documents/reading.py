"""Reads a PDF with other software than wrote it."""

import re
from io import BytesIO
from typing import Any

from pypdf import PdfReader


def reader_of(document: bytes) -> PdfReader:
    return PdfReader(BytesIO(document), strict=True)


def text_of(document: bytes) -> str:
    """All that is written on the pages, with one space wherever a line ends."""
    return " ".join(" ".join(page.extract_text() for page in reader_of(document).pages).split())


def signs_of(text: str) -> str:
    """A text without its spaces: where a line ends is for the document to decide."""
    return re.sub(r"[\s\u200b]", "", text)


def tags_of(document: bytes) -> list[str]:
    """What a screen reader is told, in order: `H1`, `P`, ..."""
    root: Any = reader_of(document).root_object
    return _tags(root["/StructTreeRoot"]["/K"])


def _tags(node: Any) -> list[str]:
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        return [tag for one in node for tag in _tags(one)]
    if isinstance(node, dict) and "/S" in node:
        return [node["/S"].removeprefix("/"), *_tags(node.get("/K", []))]
    return []
