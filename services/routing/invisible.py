"""Characters that a reader of a text does not see, or that only sit above a letter: no word is another word for their sake."""

from __future__ import annotations

import re
from typing import Final

INVISIBLE: Final = re.compile("[\u0300-\u036f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]")
"""Combining marks (as NFKD leaves them), soft hyphens and signs without width: between letters, they would cut a word in two."""
