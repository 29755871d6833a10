"""Become another program that ends when the one that started it ends.

Run as a script, before anything of ours is imported:
    python -IS launch.py SIGNAL PARENT_PID USER_ID GROUP_ID COMMAND...
Linux sends SIGNAL to the program when its parent is gone, even by SIGKILL; elsewhere the next start cleans up instead.
A script of its own rather than `preexec_fn`, which is not safe in a process with threads.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_SAME_USER = -1


def main(arguments: list[str]) -> None:
    """Take the user, ask for the signal, and exec; never returns."""
    signal_number, parent, user, group = (int(word) for word in arguments[:4])
    command = arguments[4:]
    if user != _SAME_USER:
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    if sys.platform == "linux":
        # Asked for after the change of user, which clears it.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(f"the process that started {command[0]} is gone")
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
