"""What is wrong in a city's files, said so that it can be mended: `file:line: what is wrong and how to mend it`."""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault. `line` counts from 1; a file that is missing as a whole has its fault on line 1."""

    file: str
    line: int
    what: str

    @override
    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


class CityFaults(Exception):  # noqa: N818 - it carries all faults, not one error
    """Every fault of a city's files, in the order of files and lines."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class Faults:
    """Collects faults while files are read, so that all are named at once."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, file: str, line: int, what: str) -> None:
        """Note one fault."""
        self.found.append(Fault(file, line, what))
