import subprocess
import sys


def test_a_command_that_starts_nothing_does_not_wait_for_the_clients_of_what_others_start() -> None:
    heavy = ("aiokafka", "asyncpg", "httpx", "jgo", "pydantic")
    look = f"import sys, stack.cli; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout.strip() == "[]"
