"""Quoted history in what someone wrote: earlier messages that a mail program or ticket system put below or between it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml import etree

Element = etree._Element

_QUOTE = re.compile(
    r"(?:^|[\s_-])(?:gmail_quote|yahoo_quoted|quoted?|quotation|quoted-text|gmail_attr|moz-cite-prefix)(?:$|[\s_-])"
)
_TOGGLE = re.compile(
    r"(?:show|hide|view|toggle)\s+(?:the\s+)?(?:quoted|trimmed)\s+(?:text|content|history)|[.…•]{1,3}", re.IGNORECASE
)
_WROTE = re.compile(
    r"(?:on\b.{4,240}\bwrote|am\b.{4,240}\bschrieb\b.{0,120}|le\b.{4,240}\ba écrit|el\b.{4,240}\bescribió"
    r"|il\b.{4,240}\bha scritto|op\b.{4,240}\bschreef\b.{0,120})\s*:",
    re.IGNORECASE,
)
_RULE = re.compile(
    r"[-_]{2,}\s*(?:original message|ursprüngliche nachricht|message d'origine|reply above this line)?\s*[-_]{2,}|_{5,}",
    re.IGNORECASE,
)
_FROM = re.compile(r"\*?(?:from|von|de|da|van)\s?:\*?\s*\S", re.IGNORECASE)
_SENT = re.compile(r"\*?(?:sent|date|gesendet|datum|envoyé|enviado|inviato|verzonden)\s?:", re.IGNORECASE)
_ABOUT = re.compile(r"\*?(?:to|subject|an|betreff|à|objet|para|asunto|oggetto|aan|onderwerp)\s?:", re.IGNORECASE)
_SPLIT = 3
"""Lines over which a mail program may break the line that introduces a quote."""


def quotes_in(elements: Iterable[Element]) -> set[Element]:
    """Those elements that hold a quote, told by their tag or class."""
    return {
        element
        for element in elements
        if element.tag == "blockquote"
        or ((marks := element.get("class")) and "quot" in marks and _QUOTE.search(marks))
        or element.get("id") in ("divRplyFwdMsg", "appendonsend")
    }


def _introduces(lines: list[str], start: int) -> int:
    """How many lines from `start` on are the one that introduces a quote ("On ... wrote:"); 0 if they are none."""
    for count in range(1, _SPLIT + 1):
        if start + count <= len(lines) and _WROTE.fullmatch(" ".join(lines[start : start + count])):
            return count
    return 0


def _is_header(lines: list[str], start: int) -> bool:
    """Whether a block of "From: ... Sent: ... To: ..." begins at `start`, on lines of their own or on one."""
    if not _FROM.match(lines[start]):
        return False
    rest = lines[start][5:], *lines[start + 1 : start + 6]
    sent = any(_SENT.match(line) for line in rest[1:]) or _SENT.search(rest[0])
    return bool(sent and (any(_ABOUT.match(line) for line in rest[1:]) or _ABOUT.search(rest[0])))


def unquoted(text: str, taken: bool = False) -> str:
    """A text of lines without what it quotes; all of it where it would be nothing else, as in a forwarded message.

    `taken`: quotes have been taken out already, so that only the lines that introduced them are left.
    """
    lines = text.split("\n")
    kept: list[str] = []
    place = 0
    while place < len(lines):
        line = lines[place]
        if line.startswith((">", "|>")) or _TOGGLE.fullmatch(line):
            place += 1
        elif count := _introduces(lines, place):
            place += count
            if not taken and not (place < len(lines) and lines[place].startswith((">", "|>"))):
                break
        elif _is_header(lines, place) or (
            _RULE.fullmatch(line)
            and (any(letter.isalpha() for letter in line) or (place + 1 < len(lines) and _is_header(lines, place + 1)))
        ):
            break
        else:
            kept.append(line)
            place += 1
    return "\n".join(kept).strip() or text
