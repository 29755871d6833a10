"""`tanggap policy check` and `explain`, as an operator without a database meets them."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.routing.classifier.classifier import Guess
from services.routing.policy.cli import NARROWEST, WIDEST, commands
from services.routing.policy.file import _TARGETS
from services.routing.router import Router
from tanggap.contracts.events import whole_percent
from tests.support.policies import policy, rule
from tests.support.routing import JAKARTA, MONAS, submitted

AT_MONAS = f"{MONAS[0]},{MONAS[1]}"
WHEN = "2026-11-24T09:05"


@pytest.fixture(scope="session")
def loaded():
    """Jakarta's router, read once: reading it takes longer than a command does otherwise."""
    return Router.load(JAKARTA)


@pytest.fixture
def run(monkeypatch, loaded):
    """Run a command in a window of so many columns."""
    monkeypatch.setattr(Router, "load", lambda _, **_more: replace(loaded))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("TANGGAP_CITY", str(JAKARTA))

    def invoke(*arguments, columns=100):
        monkeypatch.setenv("COLUMNS", str(columns))
        return CliRunner().invoke(commands, list(arguments))

    return invoke


@pytest.fixture
def explain(run):
    def invoke(*arguments, when=WHEN, **more):
        done = run("explain", *arguments, "--when", when, **more)
        assert done.exit_code == 0, done.output
        return done.stdout

    return invoke


def words(text):
    """What stands there, wherever lines are broken."""
    return " ".join(text.split())


# check


def test_jakartas_own_policy_passes(run, jakarta_policy):
    done = run("check")
    assert (done.exit_code, done.stderr) == (0, "")
    rules, notices = len(jakarta_policy.rules), len(jakarta_policy.notices)
    assert (
        done.stdout
        == f"{JAKARTA / 'routing.yaml'}: {jakarta_policy.version}, {rules} rules, {notices} notices; every complaint finds its unit\n"
    )


def test_each_fault_of_a_file_is_a_line_with_its_place_and_the_exit_code_says_so(run, tmp_path):
    file = tmp_path / "new.yaml"
    file.write_text(policy(rule("a", when="{category: Sampah}"), rule("b", to="mayor")))
    done = run("check", str(file))
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"{file}:4: category: Sampah is unknown; did you mean sampah?",
        f"{file}:8: to: mayor is unknown; it must be {_TARGETS}",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "the file is missing"),
        (b"\xff", "is not UTF-8"),
        (b"a" * 300_000, "has 300,000 bytes; a policy has at most 262,144"),
    ],
)
def test_a_file_that_can_not_be_a_policy_is_one_line(run, tmp_path, content, said):
    file = tmp_path / "new.yaml"
    if content is not None:
        file.write_bytes(content)
    done = run("check", str(file))
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{file}:1: ")
    assert said in line


@pytest.mark.timeout(20)
def test_what_is_no_regular_file_is_no_policy_and_nobody_waits_for_its_end(run, tmp_path):
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe, Path("/dev/zero")):
        done = run("check", str(path))
        assert (done.exit_code, done.stdout) == (1, "")
        assert (
            done.stderr
            == f"{path}:1: the file can't be read: a policy must be a regular file, not a folder, a pipe or a device\n"
        )


def test_a_city_that_is_none_is_told_in_lines(run, tmp_path):
    done = run("check", "--city", str(tmp_path / "none"))
    assert done.exit_code == 1
    assert "there is no such folder" in done.stderr


# explain


def test_the_whole_reasoning_is_told_from_the_place_to_the_clocks(explain, jakarta_policy):
    told = explain("Lampu jalan PJU mati, gelap sekali", "--at", AT_MONAS, "--address", "Jl. Merdeka Barat")
    said = words(told)
    for part in (
        "“Lampu jalan PJU mati, gelap sekali”",
        "address 'Jl. Merdeka Barat'",
        "received Tue 24 Nov 2026 09:05 WIB (office hours)",
        "Kelurahan Gambir · place: known, named by: point, confidence",
        "pju · by its words, confidence",
        "agency bina-marga, urgency high, the ward can't handle it",
        f"{jakarta_policy.version}, the city's own routing.yaml (DATABASE_URL is not set: another may count)",
        "Suku Dinas Bina Marga Jakarta Pusat (sudin-bina-marga.31.71), to: branch",
        "coordinate 6 h calendar, due Tue 24 Nov 15:05",
        "resolution 48 h calendar, due Thu 26 Nov 09:05",
        "Ditujukan ke Suku Dinas Bina Marga Jakarta Pusat",
        "Sent to Suku Dinas Bina Marga Jakarta Pusat",
        f"policy {jakarta_policy.version} · wards ",
        "· classifier ",
        "· gazetteer ",
    ):
        assert part in said


def test_every_rule_until_the_one_that_matches_is_told_with_the_condition_that_failed(explain, jakarta_policy):
    told = explain("Sampah menumpuk", "--at", AT_MONAS, "--category", "sampah")
    lines = [line.strip() for line in told.splitlines()]
    decides = next(place for place, rule in enumerate(jakarta_policy.rules) if rule.name == "ward-crew")
    for rule_ in jakarta_policy.rules[:decides]:
        assert any(line.startswith(f"✗ {rule_.name}:{rule_.line} ") for line in lines), rule_.name
    at = jakarta_policy.rules[decides].line
    assert any(line.startswith(f"✓ ward-crew:{at} ") and line.endswith("ward_can_handle is yes") for line in lines)
    assert any(line.startswith("✗ no-place:") and line.endswith("place is known, not none, outside") for line in lines)
    assert "1 after it" in told


def test_who_is_told_besides_and_by_which_words_is_told(explain):
    said = words(explain("Gudang terbakar, apinya besar", "--at", AT_MONAS, columns=120))
    assert "✓ emergency-service:" in said
    assert "Badan Penanggulangan Bencana Daerah (urgency is emergency)" in said
    assert "Kelurahan Gambir (urgency is emergency, place is known)" in said
    assert "words: api besar, terbakar" in said


def test_a_complaint_without_a_point_is_placed_by_its_words_and_that_is_told(explain):
    said = words(explain("Jalan berlubang", "--address", "Jl. Melati, Kel. Tomang", "--category", "jalan_rusak"))
    assert "Kelurahan Tomang · place: known, named by: text" in said
    assert "by words: Kelurahan Tomang, from the kelurahan 'Tomang'" in said


def test_nothing_short_of_certain_is_called_certain(explain, loaded):
    at, text = (-6.1195, 106.9), "Aspal di jalan raya sudah mengelupas dan berlubang, jalan rusak"
    decision = loaded.decide(submitted(None, at, words=text, address=None)).decision
    # Rounded it would be 100 %.
    assert whole_percent(decision.confidence + 0.005) == 100
    said = words(explain(text, "--at", f"{at[0]},{at[1]}"))
    assert "named by: point, confidence 99%" in said
    assert f"by its words, confidence {whole_percent(decision.category_confidence)}%" in said
    address = "Kuningan Timur, Jakarta Selatan"
    of_place = loaded.readers.gazetteer.find(address, "").confidence
    assert f"{of_place:.0%}" != f"{whole_percent(of_place)}%"
    said = words(explain("Sampah", "--address", address))
    assert said.count(f", confidence {whole_percent(of_place)}%") == 2


@dataclass
class Guesses:
    """A classifier that answers one thing, whatever it is asked."""

    category: str | None
    likely: tuple[tuple[str, float], ...]
    version: str = "guesses"

    def classify(self, text, tokens=None):
        return Guess(self.category, self.likely[0][1], self.likely, ("air",), None)


@pytest.mark.parametrize(
    ("category", "arguments", "said"),
    [
        (None, [], "unsure · by its words, confidence 45%, words: air; may be banjir, saluran_air "),
        (None, ["--category", "potholes"], "unknown · named by the app as 'potholes'; may be banjir, saluran_air "),
        ("banjir", [], "banjir · by its words, confidence 45%, words: air; may also be saluran_air "),
    ],
)
def test_what_else_it_may_be_is_said_to_be_so_beside_a_category_alone(explain, loaded, monkeypatch, category, arguments, said):
    guesses = Guesses(category, (("banjir", 0.45), ("saluran_air", 0.4)))
    monkeypatch.setattr(loaded, "readers", replace(loaded.readers, classifier=guesses))
    assert said in words(explain("Air", *arguments))


def test_a_ward_near_a_place_outside_the_city_is_what_it_may_be(explain):
    assert " may be: Kelurahan Pulau Untung Jawa " in words(explain("Air", "--at", "-5.99,106.84"))
    assert " may also be: Kelurahan Menteng " in words(explain("Air", "--at", "-6.2088,106.8456"))


def test_units_that_share_a_name_are_told_apart(explain):
    said = words(explain("Jalan rusak di Menteng"))
    assert "Sent to Kecamatan Menteng: " in said
    assert "alternatives: Kelurahan Menteng" in said


def test_what_goes_to_triage_is_told_with_the_problem(explain):
    said = words(explain("Rusak", "--category", "potholes", "--at", AT_MONAS))
    assert "Meja Triase CRM Jakarta (triase), to: triage" in said
    assert "what kept the policy from naming a unit: unknown_category" in said


def test_the_hour_and_the_apps_own_words_are_facts(explain):
    told = explain("Sampah", "--source", "Twitter", "--attribute", "korban=ya", "--app", "jaki", when="2026-11-22T09:05:00+00:00")
    said = words(told)
    assert "app jaki, source Twitter · korban=ya · received Sun 22 Nov 2026 16:05 WIB (offices closed)" in said


def test_another_policy_can_be_asked(explain, tmp_path):
    file = tmp_path / "trial.yaml"
    file.write_text(policy(rule("rubbish", to="{triage: kecamatan}", when="{category: sampah, place: known}")))
    said = words(explain("Sampah", "--category", "sampah", "--at", AT_MONAS, "--policy", str(file)))
    assert "trial.yaml" in said
    assert "Kecamatan Gambir (31.71.01), to: {triage: kecamatan}" in said
    assert "Told too nobody: the policy has no notices" in said


def test_of_a_long_policy_the_first_rules_are_counted_by_what_they_failed_at(explain, tmp_path, jakarta):
    file = tmp_path / "long.yaml"
    wards = [info.code for info in jakarta.wards() if info.name != "Gambir"][:60]
    file.write_text(policy(*(rule(f"r{number}", when=f"{{category: pkl, ward: {ward}}}") for number, ward in enumerate(wards))))
    told = explain("PKL", "--category", "pkl", "--at", AT_MONAS, "--policy", str(file))
    assert "36 before" in told
    assert "failed 36 at ward" in told
    assert "✗ r59:" in told
    assert "r35:" not in told


@pytest.mark.parametrize("columns", [40, 80, 100, 120, 200])
def test_it_fits_a_screen_whatever_is_asked_and_however_wide_the_window_is(explain, columns):
    width = min(WIDEST, max(NARROWEST, columns))
    long = "Lampu jalan mati. " * 200
    told = explain(long, "--at", AT_MONAS, "--category", "pju", columns=columns)
    assert max(len(line) for line in told.splitlines()) <= width
    assert len(told.splitlines()) <= 50


@pytest.mark.parametrize("text", ["[bold]tebal[/bold]", "[/]", ":fire:", "", "\x00", "٪", "\u202eterbalik"])
def test_no_text_is_taken_for_markup_or_breaks_it(explain, text):
    told = explain(text, "--at", AT_MONAS, "--address", text)
    if "[" in text:
        assert text in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--at", "1"], "--at must be LAT,LON in degrees, as -6.1754,106.8272, not '1'"),
        (["--at", "-91,0"], "--at must be LAT,LON in degrees"),
        (["--at", "nan,0"], "--at must be LAT,LON in degrees"),
        (["--at", "1,2,3"], "--at must be LAT,LON in degrees"),
        (["--attribute", "korban"], "--attribute must be KEY=VALUE, not 'korban'"),
        (
            ["--attribute", "FOO BAR=x"],
            "--attribute: 'FOO BAR' can't be a key; keys are 1 to 64 small letters, digits, _, . and -",
        ),
        (["--attribute", f"{'k' * 65}=x"], "--attribute: 'kkk"),
        (["--when", "kemarin"], "--when must be a moment as 2026-11-24T09:05, not 'kemarin'"),
        (["--when", "0001-01-01T00:00"], "--when must lie between the years 2000 and 2200"),
        (["--policy", "none.yaml"], "none.yaml:1: the file is missing"),
    ],
)
def test_what_can_not_be_meant_is_one_line(run, arguments, said):
    done = run("explain", "Sampah", *arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(said)


def test_boundaries_that_the_services_decide_by_are_read_and_told_of_where_they_are_not_there(monkeypatch, tmp_path):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("ROUTING_BOUNDARIES", str(tmp_path / "none.geojson"))
    done = CliRunner().invoke(commands, ["explain", "Sampah", "--city", str(JAKARTA)])
    assert done.exit_code == 1
    assert "none.geojson" in done.stderr


# try


@pytest.mark.parametrize("since", ["", "30", "30y", "besok", "2026-13-01", "9999-01-01"])
def test_a_beginning_that_can_not_be_meant_is_one_line(run, monkeypatch, since):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    done = run("try", str(JAKARTA / "routing.yaml"), "--since", since)
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert "--since" in line


def test_without_a_database_the_policy_to_compare_with_must_be_named(run, monkeypatch):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    done = run("try", str(JAKARTA / "routing.yaml"))
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "DATABASE_URL is not set, so which policy counts is not known: set it to routing's database, or say --against FILE"
    ]


def test_a_policy_is_not_tried_against_itself(run, monkeypatch, jakarta_policy):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    own = str(JAKARTA / "routing.yaml")
    done = run("try", own, "--against", own)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"{jakarta_policy.version} is the policy that it would be compared with")


def test_without_kafka_it_says_so_in_one_line(run, monkeypatch, tmp_path):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    file = tmp_path / "trial.yaml"
    file.write_text(policy())
    done = run("try", str(file), "--against", str(JAKARTA / "routing.yaml"))
    assert done.exit_code == 1
    lines = [line for line in done.stderr.splitlines() if line.strip() and "records of the log" not in line]
    assert len(lines) == 1
    assert lines[0].startswith("Kafka at 127.0.0.1:1 does not serve this: ")
