"""The one kind of failure that the stack tells a person about."""

import errno
import shutil
from pathlib import Path

_MEBIBYTE = 1024 * 1024


class StackTrouble(Exception):  # noqa: N818 - trouble is the word a person reads; it is no error of theirs or ours
    """Something a person must know: the text is one line that says what happened and what to do."""


def from_os_error(error: OSError, doing: str, folder: Path) -> StackTrouble:
    """Say in one line what the machine refused while `doing` something in `folder`."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StackTrouble(
            f"No disk space left while {doing} in {folder} ({free_mebibytes(folder)} MB free): make room, then run again."
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StackTrouble(f"Not allowed to write in {folder} while {doing}: give this user the right to it, then run again.")
    return StackTrouble(f"The machine refused while {doing} in {folder}: {error.strerror or error}.")


def free_mebibytes(folder: Path) -> int:
    """Free disk space, in MiB, where `folder` is or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free // _MEBIBYTE
