"""`tanggap policy check` and `explain`, as an operator without a database meets them."""

import io
import os
import re
import socket
import time
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from services.routing.classifier.classifier import Guess
from services.routing.places import full_name
from services.routing.policy import trial
from services.routing.policy.cli import NARROWEST, WIDEST, commands
from services.routing.policy.explain import NO_APP
from services.routing.policy.explain import explain as explained
from services.routing.policy.file import _TARGETS
from services.routing.router import Router
from tanggap.contracts.events import whole_percent
from tests.support.policies import policy, rule
from tests.support.routing import BEKASI, JAKARTA, MONAS, PRAMUKA, submitted

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
        "Tue 24 Nov 2026 09:05 WIB (office hours)",
        "Kelurahan Gambir · place: known, by point, confidence",
        "pju · by its words, confidence",
        "agency bina-marga, urgency high, the ward can't handle it",
        f"{jakarta_policy.version}, the city's own routing.yaml (DATABASE_URL is not set: another may count)",
        "always matches, to: branch",
        "Suku Dinas Bina Marga Jakarta Pusat (sudin-bina-marga.31.71)",
        "coordinate 6 h calendar, due Tue 24 Nov 15:05, warns 13:53",
        "resolution 48 h calendar, due Thu 26 Nov 09:05, warns Wed 23:29",
        "Sent to Suku Dinas Bina Marga Jakarta Pusat",
    ):
        assert part in said


def test_the_reason_is_in_the_language_that_is_asked_for_and_in_one_alone(explain):
    told = {lang: words(explain("banjir", "--at", AT_MONAS, "--category", "pju", "--lang", lang)) for lang in ("id", "en")}
    assert "Ditujukan ke " in told["id"]
    assert "Sent to " not in told["id"]
    assert "as Banjir, by the words" in told["id"]
    assert "Sent to " in told["en"]
    assert "Ditujukan ke " not in told["en"]
    assert words(explain("banjir", "--at", AT_MONAS, "--category", "pju")) == told["en"]


def test_with_all_every_version_that_the_decision_was_made_with_is_told(explain, jakarta_policy):
    said = words(explain("Lampu jalan mati", "--at", AT_MONAS, "--all"))
    for part in (f"policy {jakarta_policy.version} · wards ", "· classifier ", "· gazetteer ", "· city "):
        assert part in said


def test_with_all_every_rule_until_the_one_that_matches_is_told_with_the_condition_that_failed(explain, jakarta_policy):
    told = explain("Sampah menumpuk", "--at", AT_MONAS, "--category", "sampah", "--all")
    lines = [line.strip() for line in told.splitlines()]
    decides = next(place for place, rule in enumerate(jakarta_policy.rules) if rule.name == "ward-crew")
    for rule_ in jakarta_policy.rules[:decides]:
        assert any(line.startswith(f"✗ {rule_.name}:{rule_.line} ") for line in lines), rule_.name
    at = jakarta_policy.rules[decides].line
    assert any(line.startswith(f"✓ ward-crew:{at} ") and "ward_can_handle is yes, to: ward" in line for line in lines)
    assert any(line.startswith("✗ no-place:") and line.endswith("place is known, not none, outside") for line in lines)
    assert "to: ward; 1 not asked" in told


def test_rules_that_failed_for_one_and_the_same_reason_share_a_line(explain, jakarta_policy):
    told = explain("Sampah menumpuk", "--at", AT_MONAS, "--category", "sampah", columns=80)
    lines = [line.strip() for line in told.splitlines()]
    assert "Policy" in told
    shared = {line for line in lines if line.startswith("✗")}
    assert "✗ 5 rules  category is sampah, not none, unknown, unsure" in shared
    assert "✗ 2 rules  urgency is normal, not emergency" in shared
    outside = next(rule for rule in jakarta_policy.rules if rule.name == "outside-bodies")
    assert f"✗ outside-bodies:{outside.line} agency is lingkungan-hidup, not pam-jaya, pln, 2 more" in words(told)
    counted = [int(line.split()[1]) if line.split()[2] == "rules" else 1 for line in shared if "notices" not in line]
    assert sum(counted) == next(place for place, rule in enumerate(jakarta_policy.rules) if rule.name == "ward-crew")


def test_who_is_told_besides_and_by_which_words_is_told(explain):
    said = words(explain("Gudang terbakar, apinya besar", "--at", AT_MONAS, "--all", columns=120))
    assert "✓ emergency-service:" in said
    assert "Badan Penanggulangan Bencana Daerah (urgency is emergency)" in said
    assert "Kelurahan Gambir (urgency is emergency, place is known)" in said
    assert "· fire-service:" in said
    assert "names who acts or is told already (words: api besar, terbakar" in said
    folded = words(explain("Gudang terbakar, apinya besar, satu orang pingsan", "--at", AT_MONAS))
    assert "· 2 notices match too, but name who acts or is told already" in folded


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["hewan", "--category", "pju"], "as Rescue / animal evacuation, by the words, "),
        (["hewan"], "as Rescue / animal evacuation, by the words, "),
        (["asap hitam tebal dari lantai 3 ruko, tolong damkar", "--category", "parkir_liar"], "as Fire, by the words, "),
    ],
)
def test_who_is_told_for_the_sake_of_another_category_that_the_words_speak_of_is_told_with_that(explain, arguments, line):
    told = explain(*arguments, "--at", AT_MONAS)
    listed = told[told.index("Told too") : told.index("Clocks")]
    assert line in listed
    assert "✓ emergency-service:" in listed
    # The lurah is told, unless it is the lurah who finds the category.
    assert f"{'✓' if '--category' in arguments else '·'} emergency-ward:" in listed
    assert "urgency is" not in listed


def test_what_keeps_a_notice_from_telling_is_what_would_even_for_the_category_that_the_words_speak_of(explain):
    said = words(explain("hewan"))
    assert re.search(r"as Rescue / animal evacuation, by the words, \d\d%: ✓ emergency-service:", said)
    assert re.search(r"✗ emergency-ward:\d+ as Rescue / animal evacuation: place is none, not known", said)
    # How sure that is, is told once.
    assert said.count("as Rescue / animal evacuation, by the words, ") == 1


def test_the_ticks_and_the_decision_name_the_same_units_and_nobody_else(loaded, jakarta):
    name = {full_name(info): code for code, info in jakarta.units.items()}
    seen = set()
    for text, category, at in product((*TEXTS, *URGENT), (None, "pju", "sampah", "kebakaran", "potholes"), (None, MONAS, BEKASI)):
        complaint = submitted(category, at, words=text, address=None, app=NO_APP)
        told = _screen(complaint, loaded, 200)
        listed = told[told.index("Told too") : told.index("Clocks")].removeprefix("Told too")
        ticks = [line.strip() for line in listed.splitlines() if line.strip().startswith("✓")]
        units = {name[unit] for line in ticks for unit in line.split("  ", 1)[1].split(" (words:")[0].split(", ")}
        also = {unit.code for unit in loaded.decide(complaint).also}
        assert units == also, (text, category, at)
        seen |= also
    assert seen == {"bpbd", "31.71.01.1001", "sudin-gulkarmat.31.71"}


def test_words_that_stand_only_within_exceptions_are_told_with_these(explain, tmp_path):
    file = tmp_path / "trial.yaml"
    when = "{words: [kebakaran, terbakar], but_not_in: [pemadam kebakaran, asuransi kebakaran]}"
    file.write_text(policy(rule("fire", to="triage", when=when)))

    def told(text):
        return words(explain(text, "--at", AT_MONAS, "--policy", str(file)))

    assert "✗ fire:3 words asked for stand only in: pemadam kebakaran " in told("Pos pemadam kebakaran butuh AC")
    assert "✗ fire:3 none of its words: kebakaran, terbakar " in told("Lampu mati")
    assert "✓ fire:3 words: kebakaran, to: triage" in told("Pemadam kebakaran tolong, ada kebakaran")


def test_a_complaint_without_a_point_is_placed_by_its_words_and_that_is_told(explain):
    said = words(explain("Jalan berlubang", "--address", "Jl. Melati, Kel. Tomang", "--category", "jalan_rusak"))
    assert "Kelurahan Tomang · place: known, by text" in said
    assert "by words: Kelurahan Tomang, from the kelurahan 'Tomang'" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Sampah di Jakarta Timur", "Kota Administrasi Jakarta Timur only, and no kecamatan or ward for certain"),
        ("Sampah di Bekasi", "Bekasi, outside Jakarta"),
        ("Sampah", "no place is named"),
    ],
)
def test_what_the_words_name_of_a_place_is_told_as_the_reason_tells_it(explain, text, said):
    assert f"by words: {said} Category" in words(explain(text))


def test_nothing_short_of_certain_is_called_certain(explain, loaded):
    at, text = (-6.1195, 106.9), "Aspal di jalan raya sudah mengelupas dan berlubang, jalan rusak"
    decision = loaded.decide(submitted(None, at, words=text, address=None, app=NO_APP)).decision
    # Rounded it would be 100 %.
    assert whole_percent(decision.confidence + 0.005) == 100
    said = words(explain(text, "--at", f"{at[0]},{at[1]}"))
    assert "by point, confidence 99%" in said
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


def test_what_contradicts_the_place_or_the_category_stands_in_its_row(explain):
    text = "pohon tumbang di Kel. Tebet Timur"
    told = words(explain(text, "--at", AT_MONAS, "--category", "sampah"))
    place, _, rest = told.partition(" Category ")
    category, _, _ = rest.partition(" Policy ")
    assert "but its address or text names Kelurahan Tebet Timur; the point was taken." in place
    assert "the report's text rather speaks of Fallen tree" in category
    assert "rather speaks of" not in place
    assert "was taken" not in category


def test_what_a_complaint_is_counted_as_is_not_said_to_be_what_it_may_be_as_well(explain, loaded, monkeypatch):
    guesses = Guesses(None, (("kebakaran", 0.6), ("sampah", 0.3)))
    monkeypatch.setattr(loaded, "readers", replace(loaded.readers, classifier=guesses))
    told = words(explain("kobaran api", "--at", AT_MONAS))
    category = told[told.index(" Category ") : told.index(" Policy ")]
    assert category.count("kebakaran") == 1
    assert "; may also be sampah counted as kebakaran, by the rule that decides" in category


def test_a_ward_near_a_place_outside_the_city_is_what_it_may_be(explain):
    assert " may be: Kelurahan Pulau Untung Jawa " in words(explain("Air", "--at", "-5.99,106.84"))
    assert " may also be: Kelurahan Menteng " in words(explain("Air", "--at", "-6.2088,106.8456"))


def test_units_that_share_a_name_are_told_apart(explain):
    said = words(explain("Jalan rusak di Menteng"))
    assert "Sent to Kecamatan Menteng: " in said
    assert "may also be: Kelurahan Menteng" in said
    assert "alternatives: Kelurahan Menteng" in words(explain("Jalan rusak di Menteng", "--all"))


def test_what_goes_to_triage_is_told_with_the_problem(explain):
    said = words(explain("Rusak", "--category", "potholes", "--at", AT_MONAS))
    assert "Meja Triase CRM Jakarta (triase)" in said
    assert "triage: a person decides there (unknown_category), urgency normal" in said


def test_the_hour_and_the_apps_own_words_are_facts(explain):
    told = explain("Sampah", "--source", "Twitter", "--attribute", "korban=ya", "--app", "jaki", when="2026-11-22T09:05:00+00:00")
    said = words(told)
    assert "app jaki · source Twitter · korban=ya · Sun 22 Nov 2026 16:05 WIB (offices closed)" in said


def test_another_policy_can_be_asked(explain, tmp_path):
    file = tmp_path / "trial.yaml"
    file.write_text(policy(rule("rubbish", to="{triage: kecamatan}", when="{category: sampah, place: known}")))
    said = words(explain("Sampah", "--category", "sampah", "--at", AT_MONAS, "--policy", str(file)))
    assert "trial.yaml" in said
    assert "to: {triage: kecamatan}" in said
    assert "Kecamatan Gambir (31.71.01)" in said
    assert "Told too nobody: the policy has no notices" in said


def test_of_a_long_policy_no_more_is_told_than_fits_unless_all_is_asked_for(explain, tmp_path, jakarta):
    file = tmp_path / "long.yaml"
    wards = [info.code for info in jakarta.wards() if info.name != "Gambir"][:60]
    rules = [rule(f"r{number}", when=f"{{category: pkl, ward: {ward}}}") for number, ward in enumerate(wards)]
    rules += [rule(f"a{number}", "triage", when=f"{{attributes: {{k{number}: ya}}}}") for number in range(12)]
    file.write_text(policy(*rules))
    asked = ("PKL", "--category", "pkl", "--at", AT_MONAS, "--policy", str(file))
    told = explain(*asked)
    assert re.search(r"✗ 60 rules  ward is 31\.71\.01\.1001, not [\d., ]+, 58 more", told)
    assert "✗ a4:" in told
    assert re.search(r"✗ 7 rules  for other reasons: attributes\.k5, attributes\.k6, attributes\.k7, 4 facts more", told)
    everything = explain(*asked, "--all")
    assert all(f"✗ {name}:" in everything for name in ("r0", "r59", "a11"))


TEXTS = (
    "banjir",
    "Lampu jalan PJU mati, gelap sekali",
    "Sampah menumpuk di depan Stasiun Gambir, sudah tiga hari.",
    "kabel konslet keluar asap",
    "Jalan berlubang di depan pasar, kemarin ada motor jatuh. Kapan ditambal?",
    "Pohon tumbang menimpa rumah warga",
    "Assalamualaikum, mohon dibantu",
    "Tolong, air PAM mati sejak subuh di RT 05 dan tidak ada penjelasan dari siapa pun sampai sekarang",
)
URGENT = (
    "kabel konslet keluar api",
    "Gudang terbakar, apinya besar",
    "kebakaran dan banjir",
    "ada begal bawa celurit, banjir juga",
    "pohon tumbang, api besar",
)


def _screen(complaint, router, columns, **shown):
    """What `explain` shows, without a command in between."""
    console = Console(width=columns, file=io.StringIO(), markup=False, emoji=False, highlight=False)
    console.print(
        explained(complaint, router, "the city's own routing.yaml (DATABASE_URL is not set: another may count)", **shown)
    )
    return console.file.getvalue()


@pytest.mark.parametrize("at", [None, MONAS, BEKASI, PRAMUKA])
@pytest.mark.parametrize("category", [None, "pju", "sampah", "potholes"])
def test_it_fits_a_small_window_and_nothing_is_cut_there(loaded, category, at):
    for text in TEXTS:
        told = _screen(submitted(category, at, words=text, address=None, app=NO_APP), loaded, 80)
        lines = told.splitlines()
        assert "…" not in told
        assert all(len(line) <= 80 for line in lines)
        assert len(lines) <= (36 if "rather speaks of" in told else 32), told


@pytest.mark.parametrize("category", [None, "pju"])
@pytest.mark.parametrize("text", URGENT)
def test_an_urgent_one_takes_few_lines_more_for_who_is_told(loaded, category, text):
    told = _screen(submitted(category, PRAMUKA, words=text, address=None, app=NO_APP), loaded, 80)
    assert "…" not in told
    assert len(told.splitlines()) <= 36, told


def test_a_long_complaint_full_of_places_and_dangers_takes_few_lines_more(loaded):
    text = "Kebakaran di dekat Kali Ciliwung, api besar dan jalan rusak"
    complaint = submitted(
        None, (-6.2, 106.85), words=text, address="Kel. Kenari Kec. Senen", attributes={"korban": "ya"}, app=NO_APP
    )
    told = _screen(complaint, loaded, 80)
    assert "…" not in told
    assert len(told.splitlines()) <= 36, told


@pytest.mark.parametrize("columns", [40, 80, 100, 120, 200])
def test_it_fits_a_screen_whatever_is_asked_and_however_wide_the_window_is(explain, columns):
    width = min(WIDEST, max(NARROWEST, columns))
    long = "Lampu jalan mati.\n" * 200
    attributes = [part for number in range(32) for part in ("--attribute", f"k{number}={'x' * 500}")]
    told = explain(long, "--at", AT_MONAS, "--category", "pju", *attributes, "--address", "Jl. " * 100, columns=columns)
    assert max(len(line) for line in told.splitlines()) <= width
    assert len(told.splitlines()) <= 36


def test_what_a_text_holds_for_the_terminal_is_shown_and_not_obeyed(explain):
    evil = "a\x1b[31mX\x07\x9b2J\nb\u202ec"
    told = explain(
        evil,
        "--at",
        AT_MONAS,
        "--address",
        evil,
        "--category",
        "p\x1b]0;x",
        "--app",
        evil,
        "--source",
        evil,
        "--attribute",
        f"k={evil}",
    )
    assert all(character.isprintable() for character in told.replace("\n", ""))
    assert "“a␛[31mX␇\\x9b2J␊b\\u202ec”" in told


def test_a_category_is_read_as_intake_reads_it(explain):
    assert "sampah · named by the app as 'sampah'" in words(explain("Lampu mati", "--category", " sampah "))
    for blank in ("", "  "):
        assert "pju · by its words" in words(explain("Lampu jalan PJU mati", "--category", blank))


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
        (
            ["--at", "106.8306,-6.1767"],
            "--at must be LAT,LON in degrees, as -6.1754,106.8272, not '106.8306,-6.1767'; the two look swapped, did you mean -6.1767,",
        ),
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


@pytest.fixture
def try_one(run, tmp_path):
    """Try a policy against the city's own."""
    file = tmp_path / "trial.yaml"
    file.write_text(policy())
    return lambda: run("try", str(file), "--against", str(JAKARTA / "routing.yaml"))


@pytest.mark.parametrize("which", ["NEW", "--against"])
def test_the_changes_are_not_written_over_a_policy_that_is_tried(run, tmp_path, which):
    tried, against = tmp_path / "new.yaml", tmp_path / "old.yaml"
    for path in (tried, against):
        path.write_text(policy())
    lost = tried if which == "NEW" else against
    (tmp_path / "changes.csv").symlink_to(lost)
    done = run("try", str(tried), "--against", str(against), "--csv", str(tmp_path / "changes.csv"))
    assert done.exit_code == 1
    assert done.stderr.startswith(f"--csv {tmp_path / 'changes.csv'}: is a policy that is tried, and would be lost")
    assert lost.read_text() == policy()


def test_signs_at_the_ends_of_words_do_no_harm(run, tmp_path):
    file = tmp_path / "new.yaml"
    file.write_text(policy(rule(when="{category: [none], place: known, words: ['api!', ' asap. ']}", more="as: kebakaran")))
    assert run("check", str(file)).exit_code == 0


def test_without_kafka_it_says_so_in_one_line(try_one, monkeypatch):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    done = try_one()
    assert done.exit_code == 1
    assert done.stderr == "Kafka at 127.0.0.1:1 can't be reached: is it up, and is that its address (KAFKA_BOOTSTRAP_SERVERS)?\n"


@pytest.mark.timeout(20)
def test_a_kafka_that_takes_connections_and_never_answers_is_not_waited_for_long(try_one, monkeypatch):
    monkeypatch.setattr(trial, "START_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", address)
        begun = time.monotonic()
        done = try_one()
    assert time.monotonic() - begun < 6
    assert done.exit_code == 1
    assert done.stderr == f"Kafka at {address} takes connections and does not answer within 1 s\n"


def test_nobody_waits_ten_seconds_for_a_silent_kafka():
    assert trial.START_SECONDS <= 8


def test_with_all_nothing_is_shortened(explain, tmp_path):
    category, app, answer = f"{'x' * 100}-end", f"{'a' * 100}-end", f"{'k' * 100}-end"
    file = tmp_path / "trial.yaml"
    wanted = ", ".join(f"kata{number}" for number in range(9))
    file.write_text(
        policy(
            rule("words", to="triage", when=f"{{words: [{wanted}]}}"),
            rule("source", to="triage", when=f"{{app: {app}, attributes: {{k: {answer.replace('k', 'q')}}}}}"),
        )
    )
    asked = ("Lampu", "--category", category, "--app", app, "--attribute", f"k={answer}", "--policy", str(file), "--at", AT_MONAS)
    folded, whole = (explain(*asked, *more, columns=200).replace("\n", "").replace(" ", "") for more in ((), ("--all",)))
    for part in (f"namedbytheappas'{category}'", f"attributes.kis{answer},", answer.replace("k", "q"), wanted.replace(" ", "")):
        assert part in whole
        assert part not in folded


def test_of_many_words_that_a_text_has_none_of_a_few_are_told_and_how_many_there_are_besides(explain, tmp_path):
    file = tmp_path / "trial.yaml"
    wanted = ", ".join(f"kata{number:02}" for number in range(40))
    file.write_text(policy(rule("words", to="triage", when=f"{{words: [{wanted}]}}")))
    said = words(explain("Lampu", "--policy", str(file), "--at", AT_MONAS, "--all"))
    assert "✗ words:3 none of its words: kata00, kata01, 38 more ✓" in said


def test_with_all_the_whole_text_is_shown(explain):
    text = "Lampu jalan mati " * 100 + "di Gambir"
    assert "di Gambir”" not in words(explain(text))
    assert "di Gambir”" in words(explain(text, "--all"))


@pytest.mark.parametrize("name", ["x" * 300, f"jakarta-77+{'0' * 300}"])
@pytest.mark.parametrize("command", [("explain", "Sampah", "--policy"), ("activate", "--by", "Sari", "--why", "Uji")])
def test_a_policy_that_can_not_even_be_looked_for_is_one_line(run, command, name):
    done = run(*command, name)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"{name}:1: the file can't be read: File name too long\n"


def test_a_policy_that_is_no_file_is_said_to_be_looked_for_in_vain_where_there_is_no_database(run):
    for given in ("jakarta-77", "jakarta-77+0123abcd"):
        done = run("explain", "Sampah", "--policy", given)
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr == (
            f"{given} is no file; whether a policy of that version is kept can't be looked up, since DATABASE_URL is not set\n"
        )


def test_a_fault_of_a_file_is_shown_without_obeying_it(run, tmp_path):
    file = tmp_path / "new.yaml"
    file.write_text(policy(rule(when='{"\\e[31msampah": ya, place: known}')))
    done = run("check", str(file))
    assert done.exit_code == 1
    assert "condition ␛[31msampah is unknown" in done.stderr
    assert "\x1b" not in done.stderr
