"""Texts that others wrote, on an operator's terminal: seen, and never obeyed."""

from __future__ import annotations

import unicodedata
from typing import Final

_DELETE: Final = 0x7F
_PICTURES: Final = 0x2400
"""Unicode's pictures of the control characters: of U+001B it is U+241B."""
_PICTURE_OF_DELETE: Final = "\u2421"
_FORMAT_KEPT: Final = frozenset("\u200c\u200d")
"""Joiners: scripts and emoji are written with them, and they move nothing."""
_FIRST_SPACE: Final = 0x20


def visible(text: str) -> str:
    """The text with a sign for each character that a terminal would obey or hide instead of showing it.

    A control character (ESC begins a colour, a title, a click) is shown as its picture (␛, ␊) or escape; so are signs that turn the
    direction of writing, half characters and line separators.
    """
    return text if text.isprintable() else "".join(map(_sign, text))


def _sign(character: str) -> str:
    code = ord(character)
    if code < _FIRST_SPACE:
        return chr(_PICTURES + code)
    if code == _DELETE:
        return _PICTURE_OF_DELETE
    if character.isprintable() or character in _FORMAT_KEPT or unicodedata.category(character) in {"Zs", "Cn", "Co"}:
        return character
    return character.encode("unicode_escape").decode("ascii")
