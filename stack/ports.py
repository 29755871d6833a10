"""A TCP port on this machine that is free now."""

import socket
from collections.abc import Collection

from stack.trouble import StackTrouble

LOCALHOST = "127.0.0.1"
_TRIES = 200


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port that only waits out old connections (TIME_WAIT) is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCALHOST, port))
        except OSError:
            return False
    return True


def free_port(preferred: int = 0, avoid: Collection[int] = ()) -> int:
    """Return the preferred port if free, else the next one that is; 0 asks the system for any.

    `avoid` names ports that were given out already but aren't listened on yet.
    """
    if preferred == 0:
        while True:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.bind((LOCALHOST, 0))
                port: int = probe.getsockname()[1]
            if port not in avoid:
                return port
    for port in range(preferred, preferred + _TRIES):
        if port not in avoid and is_free(port):
            return port
    raise StackTrouble(f"Ports {preferred} to {preferred + _TRIES - 1} of {LOCALHOST} are all taken: end what listens there.")
