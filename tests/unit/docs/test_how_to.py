"""The table of what operators run: each command is said to be run beside the service that has what it needs."""

import re
from importlib.metadata import entry_points
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
HOW_TO = (ROOT / "docs" / "how-to.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| .* \| (\w+) \| (`.*`) \|$", HOW_TO, re.MULTILINE)
ANY = "any"


def service_of(command: str) -> str:
    """Whose code a command is, and so whose database it needs; the platform's own need none."""
    words = command.split()
    parts = {point.name: point.value for point in entry_points(group="tanggap.commands")}
    module = parts[words[1]] if words[0] == "tanggap" else words[2]
    return module.split(".")[1] if module.startswith("services.") else ANY


def test_each_command_is_said_to_be_run_in_the_container_of_the_service_whose_database_it_needs() -> None:
    told = {command: service for service, commands in ROWS for command in re.findall(r"`([^`]+)`", commands)}
    assert {
        "tanggap policy history",
        "tanggap keys list",
        "tanggap dlq list",
        "python -m services.metrics recount",
    } <= told.keys()
    assert told == {command: service_of(command) for command in told}


def test_every_service_that_is_named_there_has_its_own_role_with_docker() -> None:
    services = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    for service, _ in ROWS:
        if service != ANY:
            assert services[service]["environment"]["DATABASE_URL"].startswith(f"postgresql://{service}:")
