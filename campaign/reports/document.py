"""A report as a PDF that can be handed on: tagged for screen readers (PDF/UA-1), made to be kept (PDF/A-2a), with
its fonts in it, the same bytes from the same report.

Typst sets it by templates/report/report.typ; whatever comes from portals and staff goes in as data, never as markup.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst

from campaign.app import templates_directory
from campaign.reports.captions import caption
from campaign.reports.contents import blocks, cover
from campaign.reports.formats import LOCALES, REPLACEMENT, readable
from campaign.reports.values import LogExtract, Report

logger = logging.getLogger(__name__)

FONTS = (
    *("Noto Sans", "Noto Emoji", "Noto Sans Symbols", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Georgian"),
    *("Noto Sans Armenian", "Noto Sans Devanagari", "Noto Sans Thai", "Libertinus Serif", "DejaVu Sans Mono"),
)
"""In the order in which a character is looked for; the last two are Typst's own."""
STANDARDS: tuple[list[typst.PDFStandard], ...] = (["a-2a", "ua-1"], ["2.0"])
LONG_WORD = 24
"""Addresses and the like that are longer than this may be broken anywhere, since no column holds them."""
LONGEST_WORD = 36
"""Words of letters alone are hyphenated up to this length; longer than that is none."""
_UNDISPLAYABLE = re.compile(r'the text `"(.+?)"` could not be displayed')
_FORBIDDEN = re.compile(r'the (?:text|PDF) contains the (?:disallowed )?codepoint `"\\u\{([0-9a-f]+)\}"`')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
KEPT = ("url", "code")
"""What must stay as it is: addresses, and what people copy."""
ROUNDS = 4
"""Each round takes out the characters that the one before could not display."""


def document(report: Report, language: str, log: LogExtract | None = None) -> bytes:
    """The report as PDF in German ("de") or English ("en"). With `log`, what went out is listed with the log's head.

    Characters that no font has are replaced and the document says so.
    """
    content = {
        "language": language,
        "region": LOCALES[language].partition("_")[2],
        "fonts": FONTS,
        "words": {
            "page": caption(language, "page"),
            "of": caption(language, "page_of"),
            "contents": caption(language, "contents"),
            "sandbox": caption(language, "sandbox_short"),
        },
        "cover": asdict(cover(report, language)),
        "blocks": [asdict(block) for block in blocks(report, language, log)],
    }
    cleaned = _each_text(content, lambda text: breakable(readable(text)))
    return _set(json.dumps(cleaned, ensure_ascii=False), int(report.made_at.timestamp()))


def _set(content: str, timestamp: int) -> bytes:
    """Typst's work. What it can't display is taken out; if that is not enough (a sign that no font has together with
    what it belongs to), the document is made without the seal of its standards rather than not at all."""
    for _ in range(ROUNDS):
        try:
            return _compiled(content, STANDARDS[0], timestamp)
        except typst.TypstError as error:
            missing = undisplayable(error.diagnostic)
            if not missing:
                logger.warning("the report is set without its standards: %s", error.message)
                break
            content = content.translate(dict.fromkeys(map(ord, missing), REPLACEMENT))
    return _compiled(content, STANDARDS[1], timestamp)


def _compiled(content: str, standards: list[typst.PDFStandard], timestamp: int) -> bytes:
    made = _compiler().compile(
        format="pdf", sys_inputs={"report": content}, pdf_standards=standards, timestamp=timestamp
    )
    if not isinstance(made, bytes):
        raise TypeError("Typst made no PDF")
    return made


def _compiler() -> typst.Compiler:
    return typst.Compiler((templates_directory() / "report" / "report.typ"), font_paths=_fonts())


@cache
def _fonts() -> typst.Fonts:
    """The fonts of the package beside Typst's own; none of the machine's, so that every machine makes the same."""
    return typst.Fonts(include_system_fonts=False, font_paths=[Path(str(files("manimgx_fonts")))])


def undisplayable(diagnostic: str) -> set[str]:
    """The characters that Typst says no font has, or its standard does not allow."""
    found = {chr(int(code, 16)) for code in _FORBIDDEN.findall(diagnostic)}
    for text in _UNDISPLAYABLE.findall(diagnostic):
        found |= set(_ESCAPED.sub(lambda code: chr(int(code[1], 16)), text))
    return {sign for sign in found if not sign.isascii() or not sign.isprintable()} - {REPLACEMENT}


def breakable(text: str) -> str:
    """The text with places to break lines in words that are too long for any line."""
    return re.sub(rf"\S{{{LONG_WORD + 1},}}", lambda word: _parted(word[0]), text)


def _parted(word: str) -> str:
    if len(word) <= LONGEST_WORD and word.strip(".,;:!?»«()\"'").isalpha():
        return word
    step = LONG_WORD // 2
    return "\N{ZERO WIDTH SPACE}".join(word[at : at + step] for at in range(0, len(word), step))


def _each_text(value: Any, change: Any) -> Any:
    """The same nested values with every text changed but those that must be KEPT."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: one if key in KEPT else _each_text(one, change) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(one, change) for one in value]
    return value
