"""A TCP port on this machine that is free now."""

import asyncio
import random
import socket
import time
from collections.abc import Collection

from stack.trouble import StackTrouble

LOCALHOST = "127.0.0.1"
_TRIES = 200

# Below the ports that systems lend to clients (32768 and up): a client that tries again and again to reach a server that
# is down would sooner or later be lent that server's own port, connect to itself, and keep the server from coming back.
_ANY = range(15_000, 32_000)


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
        for port in random.sample(_ANY, _TRIES):
            if port not in avoid and is_free(port):
                return port
        raise StackTrouble(f"No free port was found on {LOCALHOST}.")
    for port in range(preferred, preferred + _TRIES):
        if port not in avoid and is_free(port):
            return port
    raise StackTrouble(f"Ports {preferred} to {preferred + _TRIES - 1} of {LOCALHOST} are all taken: end what listens there.")


async def same_port(port: int, within_seconds: float = 15) -> int:
    """Wait until the port that a server had is free again, for the same server; its clients know no other."""
    deadline = time.monotonic() + within_seconds
    while not is_free(port):
        if time.monotonic() > deadline:
            raise StackTrouble(f"Port {port} of {LOCALHOST} was taken by another program meanwhile: end that, then run again.")
        await asyncio.sleep(0.1)
    return port
