"""`tanggap contracts check --against COMMIT` in a repository of its own: the models are changed, the schemas with them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# What a hasty author does first: every schema is written as its model is now, whatever stood there.
WRITE = "[(export.SCHEMAS / export.file_name(model)).write_text(export.rendered(model)) for model in export.ALL]; "
CHECK = "from tanggap.contracts import cli, export; {first}cli.commands()"
# A repository of ours, whatever git around us was told; and no one's own configuration.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=Tests", "-c", "user.email=tests@tanggap.example")
    subprocess.run(["git", *who, *words], cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A copy of the library as it is, committed as `published`."""
    shutil.copytree(ROOT / "tanggap", tmp_path / "tanggap", ignore=shutil.ignore_patterns("__pycache__"))
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "published")
    git(tmp_path, "tag", "published")
    return tmp_path


def edit(library: Path, event: str, old: str, new: str) -> None:
    """Change the text of one event's class."""
    path = library / "tanggap" / "contracts" / "events.py"
    head, body, tail = re.split(rf"(?ms)^(class {event}\(.*?\n)(?=\n\n)", path.read_text(encoding="utf-8"), maxsplit=1)
    assert body.count(old) == 1, f"{event} has no single {old!r} any more"
    path.write_text(head + body.replace(old, new) + tail, encoding="utf-8")


def check(library: Path, against: str = "published", *, written_anew: bool = True) -> tuple[int, list[str]]:
    """Exit code and lines of the check."""
    command = CHECK.format(first=WRITE if written_anew else "")
    done = subprocess.run(
        [sys.executable, "-c", command, "check", "--against", against],
        cwd=library,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, (done.stdout + done.stderr).splitlines()


def test_a_new_field_that_may_be_left_out_passes(library: Path) -> None:
    edit(library, "ComplaintRated", "    stars:", "    why: str | None = None\n    stars:")
    code, lines = check(library)
    assert (code, len(lines)) == (0, 1)
    assert "nothing broken" in lines[0]
    written = (library / "tanggap" / "contracts" / "schemas" / "complaint.rated.v1.json").read_text(encoding="utf-8")
    assert '"why"' in written, "it was this library that was checked"


def test_what_would_break_a_reader_or_a_record_fails_with_the_schema_and_the_field_though_they_were_written_anew(
    library: Path,
) -> None:
    edit(library, "ComplaintReopened", "    reason: str\n", "")
    edit(library, "ComplaintRated", "le=5", "le=4")
    edit(library, "ComplaintMerged", "into: UUID", "into: int")
    edit(library, "ComplaintVerified", '"reporter", "verifier"', '"reporter"')
    edit(library, "ComplaintEscalated", "    clock:", "    why: str\n    clock:")
    code, lines = check(library)
    assert code == 1
    assert sorted(lines) == [
        "complaint.escalated.v1.json: $.why: is new and required: old records lack it; give it a default (as of published)",
        "complaint.merged.v1.json: $.into: may no longer be string: old records have it (as of published)",
        "complaint.merged.v1.json: $.into: may now be integer: old readers don't know it (as of published)",
        "complaint.rated.v1.json: $.stars: maximum was 5 and is 4: old records may break it (as of published)",
        "complaint.reopened.v1.json: $.reason: was removed: old readers look for it (as of published)",
        "complaint.verified.v1.json: $.by: may no longer be 'verifier': old records have it (as of published)",
    ]


def test_a_new_version_may_drop_a_field_while_the_schema_of_the_old_one_stays(library: Path) -> None:
    edit(library, "ComplaintReopened", "    reason: str\n", "\n    version: ClassVar[int] = 2\n")
    code, lines = check(library)
    assert (code, len(lines)) == (0, 1)
    (library / "tanggap" / "contracts" / "schemas" / "complaint.reopened.v1.json").unlink()
    code, lines = check(library)
    assert (code, lines) == (
        1,
        ["complaint.reopened.v1.json: was published as of published and is gone; records of it are on the log"],
    )


def test_a_commit_that_is_not_there_and_a_folder_without_git_are_said_and_are_no_pass(library: Path) -> None:
    code, lines = check(library, "no-such-commit", written_anew=False)
    assert code == 2
    assert "no-such-commit" in lines[-1]
    shutil.rmtree(library / ".git")
    code, lines = check(library, written_anew=False)
    assert code == 2
    assert "not a git repository" in lines[-1]
