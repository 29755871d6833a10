"""What a test swallowed is a failure: errors in the log, exceptions nobody awaited or caught."""

import logging
from dataclasses import dataclass, field


@dataclass
class LoggedFaults(logging.Handler):
    """Keeps every record of level ERROR and above that no `expect` covers.

    `logged_faults.expect("words")` says that this test provokes an error whose line contains these words; an error that
    was expected and never came fails the test too.
    """

    seen: list[str] = field(default_factory=list)
    expected: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(logging.ERROR)

    def __hash__(self) -> int:
        return id(self)

    def expect(self, words: str) -> None:
        self.expected[words] = 0

    def emit(self, record: logging.LogRecord) -> None:
        # Kafka's client calls errors what it mends by itself a moment later; where it matters the platform says so too.
        if record.name.startswith("aiokafka"):
            return
        line = f"{record.name}: {record.getMessage()}"
        if record.exc_info:
            line += f" {record.exc_info[1]!r}"
        for words in self.expected:
            if words in line:
                self.expected[words] += 1
                return
        self.seen.append(line)

    def check(self) -> None:
        assert not self.seen, "errors were logged that the test did not expect:\n" + "\n".join(self.seen)
        absent = [words for words, count in self.expected.items() if not count]
        assert not absent, f"errors were expected that never came: {absent}"
