"""The forms of a page, as a browser would send them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from typing_extensions import override


@dataclass(slots=True)
class Form:
    """One form: where it goes, and what its fields hold until a person changes them."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    free: list[str] = field(default_factory=list)  # names of the fields that a person fills in


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._area = ""
        self._in_title = False

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "title":
            self._in_title = True
        elif tag == "form":
            self._open = Form(values.get("action", ""), values.get("method", "get").lower())
            self.forms.append(self._open)
        elif self._open is not None and (name := values.get("name")):
            if tag == "input" and values.get("type") == "hidden":
                self._open.fields[name] = values.get("value", "")
            elif tag in {"input", "textarea"}:
                self._open.free.append(name)
                self._open.fields[name] = values.get("value", "")
                self._area = name if tag == "textarea" else ""

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea":
            self._area = ""
        elif tag == "title":
            self._in_title = False

    @override
    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif self._open is not None and self._area:
            # A browser drops the line break that follows the opening tag.
            self._open.fields[self._area] += data.removeprefix("\n")


def read(page: str) -> tuple[str, list[Form]]:
    """Return a page's title and its forms, in order."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return " ".join(reader.title.split()), reader.forms
