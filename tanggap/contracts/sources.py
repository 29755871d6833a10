"""Reads a city's CSV and YAML files with their line numbers, and notes what is wrong with their form."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from tanggap.contracts.faults import Faults

_BOM: Final = b"\xef\xbb\xbf"
_HALF: Final = re.compile("[\ud800-\udfff]")
"""A lone surrogate, as only an escape can bring in: no file, database or screen takes it."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
"""Control characters but for tabs and ends of lines: no text for people has them, and no database keeps U+0000."""

_HARD_SPACE: Final = "\u00a0"


def plain_bytes(path: Path) -> bytes:
    """A file's bytes. Raises `OSError`, also for what is no plain file: a pipe would keep its reader waiting for good."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "no regular file", str(path))
    return path.read_bytes()


def is_there(path: Path) -> bool:
    """Whether there is something, or what can't be looked at: why it can't, whoever reads it is told."""
    try:
        return path.exists()
    except OSError:  # no right to its folder, or too long a name
        return True


def read_text(path: Path, faults: Faults) -> str | None:
    """The file's text, or None where there is none to go on with."""
    try:
        raw = plain_bytes(path)
    except FileNotFoundError:
        faults.add(path.name, 1, f"the file is missing; a city has one in {path.parent}")
        return None
    except OSError as error:
        faults.add(path.name, 1, f"the file can't be read: {error.strerror}")
        return None
    if raw.startswith(_BOM):
        faults.add(path.name, 1, "starts with a byte order mark; save it as UTF-8 without one")
        raw = raw[len(_BOM) :]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        faults.add(path.name, line, f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8")
        return None
    control = _CONTROL.search(text)
    if control is None:
        return text
    faults.add(
        path.name, text.count("\n", 0, control.start()) + 1, f"holds the control character U+{ord(control[0]):04X}; leave it out"
    )
    return None


@dataclass(frozen=True, slots=True)
class Row:
    """A record of a CSV file. `line`: where it begins."""

    file: str
    line: int
    values: Mapping[str, str]
    faults: Faults

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    def fault(self, what: str) -> None:
        """Note a fault of this record."""
        self.faults.add(self.file, self.line, what)

    def check(self, *checks: tuple[object, str]) -> bool:
        """Note the fault of each check whose first part is not true; whether there was none."""
        wrong = [what for right, what in checks if not right]
        for what in wrong:
            self.fault(what)
        return not wrong


def read_rows(path: Path, columns: tuple[str, ...], faults: Faults) -> list[Row]:
    """The records of a CSV file with a header of exactly these columns, in any order; values without space around them.

    A record with a wrong number of fields is a fault and left out.
    """
    text = read_text(path, faults)
    if text is None:
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    header: list[str] | None = None
    line = 1
    try:
        for record in reader:
            begun, line = line, reader.line_num + 1
            if not any(field.strip() for field in record):
                continue
            if header is None:
                header = [field.strip() for field in record]
                if not _header_is_right(path.name, begun, header, columns, faults):
                    return []
            elif len(record) != len(header):
                what = f"has {len(record)} fields where the header has {len(header)}; quote a field with a comma"
                faults.add(path.name, begun, what)
            else:
                values = {name: field.strip() for name, field in zip(header, record, strict=True)}
                rows.append(Row(path.name, begun, values, faults))
    except csv.Error as error:
        faults.add(path.name, line, f"is not CSV: {error}")
    if header is None:
        faults.add(path.name, 1, f"is empty; its first line must be {','.join(columns)}")
    return rows


def _header_is_right(file: str, line: int, header: list[str], columns: tuple[str, ...], faults: Faults) -> bool:
    missing = [name for name in columns if name not in header]
    unknown = [name for name in header if name not in columns]
    doubled = sorted({name for name in header if header.count(name) > 1})
    if missing:
        faults.add(file, line, f"lacks the column{_s(missing)} {', '.join(missing)}; the header must be {','.join(columns)}")
    if unknown:
        faults.add(
            file, line, f"has the unknown column{_s(unknown)} {', '.join(unknown)}; the header must be {','.join(columns)}"
        )
    if doubled:
        faults.add(file, line, f"names the column{_s(doubled)} {', '.join(doubled)} twice")
    return not (missing or unknown or doubled)


def _s(names: list[str]) -> str:
    return "s" if len(names) > 1 else ""


class Entry:
    """A value of a YAML file with its line. Each `as_…` returns None, with the fault noted, for a value of another form."""

    def __init__(self, file: str, node: Node, faults: Faults, line: int | None = None) -> None:
        self.file: Final = file
        self.faults: Final = faults
        self._node = node
        self._line = line

    @property
    def line(self) -> int:
        """Where it stands, from 1."""
        return self._line if self._line is not None else int(self._node.start_mark.line) + 1

    def fault(self, what: str) -> None:
        """Note a fault of this value."""
        self.faults.add(self.file, self.line, what)

    @property
    def is_text(self) -> bool:
        """Whether it is a single value, neither mapping nor list."""
        return isinstance(self._node, ScalarNode)

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self._node, SequenceNode)

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands there, or nothing in it."""
        value = self._node.value
        return not (value.strip() if isinstance(value, str) else value)

    def as_text(self, what: str) -> str | None:
        """A single value as written, without quotes."""
        text = str(self._node.value).strip() if isinstance(self._node, ScalarNode) else ""
        if not isinstance(self._node, ScalarNode):
            self.fault(f"{what} must be a single value")
        elif not text:
            self.fault(f"{what} is empty")
        elif _HALF.search(text):
            self.fault(f"{what} holds half of a character; write it out instead of as an escape")
        elif control := _CONTROL.search(text):
            self.fault(f"{what} holds the control character U+{ord(control[0]):04X}; leave it out")
        else:
            return text
        return None

    def as_number(self, what: str, most: float = 1e6) -> float | None:
        """A number above 0, to `most`."""
        text = self.as_text(what)
        if text is None:
            return None
        try:
            number = float(text)
        except ValueError:
            number = 0.0
        if 0 < number <= most:
            return number
        self.fault(f"{what} must be a number above 0 and at most {most:g}, not {text!r}")
        return None

    def as_degrees(self, what: str, most: float) -> float | None:
        """Degrees between -`most` and `most`."""
        text = self.as_text(what)
        if text is None:
            return None
        try:
            number = float(text)
        except ValueError:
            number = most + 1
        if -most <= number <= most:
            return number
        self.fault(f"{what} must be degrees between -{most:g} and {most:g}, not {text!r}")
        return None

    def as_whole(self, what: str, least: int, most: int) -> int | None:
        """A whole number from `least` to `most`."""
        text = self.as_text(what)
        if text is None:
            return None
        if text.isascii() and text.isdigit() and least <= int(text) <= most:
            return int(text)
        self.fault(f"{what} must be a whole number from {least} to {most}, not {text!r}")
        return None

    def as_date(self, what: str) -> date | None:
        """A day, as 2026-08-17."""
        text = self.as_text(what)
        if text is None:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.fault(f"{what} must be a day written as 2026-08-17, not {text!r}")
            return None

    def as_list(self, what: str) -> list[Entry]:
        """The values of a list."""
        if isinstance(self._node, SequenceNode):
            return [Entry(self.file, node, self.faults) for node in self._node.value]
        self.fault(f"{what} must be a list")
        return []

    def as_table(self, what: str) -> dict[str, tuple[int, Entry]]:
        """A mapping with keys of its own, each with its line; a key that comes twice is a fault."""
        if not isinstance(self._node, MappingNode):
            self.fault(f"{what} must be a mapping of names to values")
            return {}
        table: dict[str, tuple[int, Entry]] = {}
        for key_node, value_node in self._node.value:
            line = int(key_node.start_mark.line) + 1
            if not isinstance(key_node, ScalarNode):
                self.faults.add(self.file, line, f"a key of {what} must be a single name")
                continue
            key = str(key_node.value)
            if key in table:
                self.faults.add(self.file, line, f"{key} is given twice, first on line {table[key][0]}; keep one")
            else:
                # Where nothing stands after the key, the parser's place of it is that of whatever comes next.
                nothing = isinstance(value_node, ScalarNode) and not value_node.value
                table[key] = (line, Entry(self.file, value_node, self.faults, line if nothing else None))
        return table

    def as_record(self, what: str, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Entry]:
        """A mapping whose keys are known; what is missing, and what is unknown, is a fault."""
        if not isinstance(self._node, MappingNode):
            self.fault(f"{what} must be a mapping with {', '.join((*required, *optional))}")
            return {}
        table = self.as_table(what)
        known = (*required, *optional)
        for key, (line, _value) in table.items():
            if key not in known:
                self.faults.add(self.file, line, f"{key} is unknown in {what}; known are {', '.join(known)}")
        for key in required:
            if key not in table:
                self.fault(f"{what} lacks {key}")
        return {key: value for key, (_line, value) in table.items() if key in known}


def read_yaml(path: Path, faults: Faults) -> Entry | None:
    """The file's top value, or None, with the fault noted, where there is none."""
    text = read_text(path, faults)
    return None if text is None else parse_yaml(path.name, text, faults)


def parse_yaml(file: str, text: str, faults: Faults) -> Entry | None:
    """The top value of a text that is called `file` in faults; or None, with the fault noted, where there is none."""
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # YAML allows it, and a warning would name no file
    try:
        node = yaml.compose(text)
    except MarkedYAMLError as error:
        faults.add(file, *_what_is_wrong(error, text))
        return None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        faults.add(file, line, f"is not YAML: character U+{int(error.character):04X} may not stand in it")
        return None
    except (OverflowError, ValueError) as error:
        # The parser's own for an escape such as \UFFFFFFFF; it does not say where.
        faults.add(file, 1, f"is not YAML: an escape that begins with a backslash names no character ({error})")
        return None
    except RecursionError:
        faults.add(file, 1, "is not YAML that a person wrote: its values lie too deep in one another")
        return None
    if node is None:
        faults.add(file, 1, "is empty")
        return None
    return Entry(file, node, faults)


def _what_is_wrong(error: MarkedYAMLError, text: str) -> tuple[int, str]:
    """The line on which something must be mended, and what.

    What is never closed, and a key without its colon, is noticed only where something else begins or the file ends; it must be mended
    where it begins.
    """
    context, problem = str(error.context or ""), str(error.problem or error.context)
    at_beginning = "quoted scalar" in context or "simple key" in context or "stream end" in problem
    mark = (error.context_mark if at_beginning else None) or error.problem_mark or error.context_mark
    line = int(mark.line) + 1 if mark else 1
    what = "a quotation mark is opened here and never closed" if "quoted scalar" in context and "end of" in problem else problem
    lines = text.split("\n")
    if line <= len(lines) and _HARD_SPACE in lines[line - 1]:
        what += "; a space on this line is a non-breaking one (U+00A0), which to YAML is a letter"
    return line, f"is not YAML: {what}"


def version_of(folder: Path, names: Iterable[str]) -> str:
    """The version of a folder's files: the start of the SHA-256 sum of their names, lengths (bytes) and contents, in that order.

    Raises `OSError` for one that can't be read.
    """
    digest = hashlib.sha256()
    for name in names:
        content = plain_bytes(folder / name)
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:12]
