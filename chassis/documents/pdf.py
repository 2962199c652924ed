"""PDF documents: a template in Typst, and values that it shows.

The template belongs to the service whose document it is, and takes its looks from `house.typ`. Values reach it as JSON,
so that none of them is ever read as markup. The document is tagged for screen readers (PDF/UA-1). From the same values
and the same moment come the same bytes.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst

ROOT = Path(__file__).parents[2]
"""Where templates import from: `/chassis/documents/house.typ`."""
FONTS = Path(__file__).parent / "fonts"
UNKNOWN_SIGN = "\N{REPLACEMENT CHARACTER}"
NO_SIGN_FOR = re.compile(
    "[^\n -~\u00a0-\u024f\u0300-\u030c\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u04ff\u1e00-\u1eff"
    "\u2010-\u2027\u2030-\u203a\u20a0-\u20c0\u2122\u2190-\u22ff]+"
)
"""What is in none of our fonts, such as emoji: an accessible document may not hold a sign that it cannot show."""
LONG = re.compile(r"\S{30}(?=\S)")
MAY_BREAK = "\N{ZERO WIDTH SPACE}"


class DocumentError(Exception):
    """A template is wrong, or does not fit its values: says what Typst says."""


def pdf(template: Path, values: Mapping[str, Any], *, at: datetime) -> bytes:
    """The document of a template, which finds texts, numbers and lists of them in `values`; `at` is when it was made.

    Raises:
        DocumentError: it cannot be made.
    """
    try:
        return typst.compile(
            template,
            root=ROOT,
            font_paths=_fonts(),
            sys_inputs={"values": json.dumps(_shown(values))},
            timestamp=int(at.timestamp()),
            pdf_standards=["ua-1"],
        )
    except typst.TypstError as error:
        raise DocumentError(f"{template.name}: {error.message}") from error


@cache
def _fonts() -> typst.Fonts:
    """Ours, and those inside Typst; never those of the machine, which would make other documents on another one."""
    return typst.Fonts(include_system_fonts=False, font_paths=[FONTS])


def _shown(value: Any) -> Any:
    """A value with texts that can be shown: each sign is in a font, and no word is longer than a line."""
    if isinstance(value, str):
        text = NO_SIGN_FOR.sub(UNKNOWN_SIGN, unicodedata.normalize("NFC", value))
        return LONG.sub(rf"\g<0>{MAY_BREAK}", text)
    if isinstance(value, Mapping):
        return {name: _shown(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(one) for one in value]
    return value
