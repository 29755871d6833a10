"""The dead-letter limit: so many bad records in a row are rather this program's fault than the records', and stop the consumer.

The number is the setting `DEAD_LETTER_LIMIT`.
"""

from __future__ import annotations

from collections.abc import Sequence

from tanggap.platform.dead_letters import Bad
from tanggap.platform.reader import Raw


class Halted(Exception):  # noqa: N818 - not an error of the record's
    """Too many bad records in a row."""

    def __init__(self, in_a_row: int, last: Bad, limit: int) -> None:
        super().__init__(
            f"stopped: {in_a_row} bad records in a row, the limit (DEAD_LETTER_LIMIT) is {limit}. The last is {last.origin}: "
            f"{last.reason}. They were not committed. If this program is wrong, mend it and start it again; if the records are, "
            "start it with a higher limit and look at them with `tanggap dlq list`"
        )


def bad_in_a_row(records: Sequence[Raw], good: Sequence[Raw], bad: Sequence[Bad], before: int, limit: int) -> int:
    """How many bad ones the log ends in after these records, if it had `before` in a row. Raises `Halted` at the limit.

    Counted in the log's order; records of types that are not read are neither good nor bad.
    """
    if not bad:
        return 0 if good else before
    failed = {id(one.record): one for one in bad}
    handled = {id(record) for record in good} - failed.keys()
    row = before
    for record in records:
        if id(record) in failed:
            row += 1
            if row >= limit:
                raise Halted(row, failed[id(record)], limit)
        elif id(record) in handled:
            row = 0
    return row
