"""The shared look: one stylesheet, one typeface, one frame, and words, figures and moments as people say them.

A service makes one `Pages` with its own templates and catalogues, mounts it, and answers with `page(...)`. What the look offers
(classes, macros, filters) is described in `README.md` beside this file.
"""

from tanggap.platform.pages.render import HEADERS, LANGUAGES, Language, Pages

__all__ = ["HEADERS", "LANGUAGES", "Language", "Pages"]
