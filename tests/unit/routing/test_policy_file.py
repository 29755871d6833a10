"""Reading and checking a city's routing.yaml."""

import re

import pytest

from services.routing import policy_file
from services.routing.policy import every_facts
from tanggap.contracts.faults import CityFaults

WHY = "why: {id: karena, en: because}"
LAST = f"""
  - rule: rest
    to: triage
    {WHY}
"""


@pytest.fixture
def faults(jakarta, tmp_path):
    """What is wrong with a policy, as lines."""

    def read(text):
        (tmp_path / policy_file.FILE).write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(CityFaults) as caught:
            policy_file.load(tmp_path, jakarta)
        return str(caught.value).splitlines()

    return read


def rule(name="one", to="ward", when=None, more="", why=WHY):
    lines = [
        f"  - rule: {name}",
        *([f"    when: {when}"] if when else []),
        f"    to: {to}",
        *([f"    {more}"] if more else []),
        f"    {why}",
    ]
    return "\n".join(lines)


def policy(*rules, last=LAST):
    return "name: test-1\nrules:\n" + "\n".join(rules) + last


@pytest.fixture
def read(jakarta, tmp_path):
    """A policy that is right."""

    def load(text):
        (tmp_path / policy_file.FILE).write_text(text)
        return policy_file.load(tmp_path, jakarta)

    return load


def test_jakartas_own_policy_decides_every_complaint_and_uses_every_rule(jakarta, jakarta_policy):
    used = {jakarta_policy.rule_for(facts).name for facts in every_facts(jakarta)}
    assert used == {one.name for one in jakarta_policy.rules}


def test_the_version_is_the_name_and_the_contents_sum(read):
    one = read(policy())
    assert re.fullmatch(r"test-1\+[0-9a-f]{8}", one.version)
    assert read(policy()).version == one.version
    assert read(policy() + "# a word more\n").version != one.version


def test_rules_keep_their_order_and_their_lines(read):
    text = policy(
        rule("a", when="{category: sampah, place: known}"), rule("b", to="branch", when="{agency: bina-marga, place: known}")
    )
    assert [(one.name, one.line) for one in read(text).rules] == [("a", 3), ("b", 7), ("rest", 11)]


def test_an_unknown_category_is_named_with_its_line_and_a_hint(faults):
    text = policy(rule(when="{category: [sampah, Jalan-Rusak], place: known}"))
    assert faults(text) == ["routing.yaml:4: category: Jalan-Rusak is unknown; did you mean jalan_rusak?"]


def test_an_unknown_condition_value_and_key_are_all_named_at_once(faults):
    text = policy(
        """  - rule: one
    when:
      weather: rain
      urgency: urgent
      kota: 31.99
      ward_can_handle: maybe
    unless: never
    to: ward
    why: {id: karena, en: because, de: weil}"""
    )
    assert faults(text) == [
        "routing.yaml:5: condition weather is unknown; known are category, agency, urgency, ward_can_handle, place, kota",
        "routing.yaml:6: urgency: urgent is unknown",
        "routing.yaml:7: kota: 31.99 is unknown",
        "routing.yaml:8: ward_can_handle: maybe is unknown",
        "routing.yaml:9: unless is unknown in a rule; known are rule, to, why, when, as",
        "routing.yaml:11: de is unknown in why; known are id, en",
    ]


@pytest.mark.parametrize(
    ("to", "fault"),
    [
        ("mayor", "to: mayor is unknown; it must be ward, branch"),
        ("{branch: Bina_Marga}", "to: agency Bina_Marga is unknown; did you mean bina-marga?"),
        ("{agency: nasa}", "to: agency nasa is unknown"),
        ("{unit: 99.99}", "to: unit 99.99 is unknown"),
        ("{desk: 31}", "to: desk is unknown; it must be ward, branch"),
        ("{branch: pln, agency: pln}", "to must be ward, branch"),
        ("[ward]", "to must be a mapping"),
    ],
)
def test_an_unknown_target_is_named_with_its_line(faults, to, fault):
    first = faults(policy(rule(to=to, when="{place: known}")))[0]
    assert first.startswith("routing.yaml:5: ")
    assert fault in first


def test_a_code_without_quotes_is_read_as_it_is_written(read):
    assert read(policy(rule(when="{kota: 31.71, category: sampah}"))).rules[0].conditions[0] == (
        "kota",
        frozenset({"31.71"}),
    )


def test_a_rule_behind_one_that_takes_all_it_matches_is_named_with_that_one(faults):
    text = policy(
        rule("wide", when="{place: known, ward_can_handle: yes}"),
        rule("narrow", when="{place: known, category: sampah}"),
    )
    assert faults(text) == ["routing.yaml:7: rule narrow never decides: wide (line 3) before it takes all that it matches"]


def test_a_rule_that_several_before_it_leave_nothing_is_named_with_all_of_them(faults):
    text = policy(
        rule("yes", when="{place: known, ward_can_handle: yes}"),
        rule("no", to="triage", when="{place: known, ward_can_handle: no}"),
        rule("late", when="{place: known, urgency: [emergency, high, normal, low]}"),
    )
    (fault,) = faults(text)
    assert fault.startswith("routing.yaml:11: rule late never decides: ")
    assert "yes (line 3)" in fault
    assert "no (line 7)" in fault


def test_a_rule_whose_conditions_exclude_one_another_is_named(faults):
    assert faults(policy(rule(when="{category: sampah, agency: pln, place: known}"))) == [
        "routing.yaml:3: rule one never decides: no complaint can meet all its conditions"
    ]


def test_a_policy_without_a_rule_that_always_matches_is_refused(faults):
    text = policy(rule(when="{category: sampah, place: known}"), last="\n")
    assert faults(text) == [
        "routing.yaml:3: rule one is the last and has a when; end with a rule without, so that none is left over"
    ]


def test_rules_after_one_that_always_matches_are_refused(faults):
    assert faults(policy(rule("all", to="triage"))) == [
        "routing.yaml:6: rule rest never decides: all (line 3) before it takes all that it matches"
    ]


def test_a_ward_for_complaints_without_a_place_is_refused(faults):
    found = faults(policy(rule(when="{category: sampah}")))
    assert found == ["routing.yaml:3: rule one decides complaints without a place in the city, for which to: ward names nobody"]


def test_a_branch_for_a_category_that_no_agency_acts_for_is_refused(faults):
    assert faults(policy(rule(to="branch", when="{category: lainnya, place: known}"))) == [
        "routing.yaml:3: rule one decides category lainnya, for which to: branch names nobody, since no agency acts for it"
    ]


def test_a_unit_for_complaints_without_a_category_needs_one_to_count_them_under(faults, read):
    found = faults(policy(rule(when="{category: [none, unknown], place: known}")))
    mend = "say under which it is counted (as: CATEGORY), or send it to triage"
    assert found == [
        f"routing.yaml:3: rule one decides complaints whose category is none; {mend}",
        f"routing.yaml:3: rule one decides complaints whose category is unknown; {mend}",
    ]
    assert (
        read(policy(rule(when="{category: [none, unknown], place: known}", more="as: lainnya"))).rules[0].counted_as == "lainnya"
    )


def test_counting_under_an_unknown_category_is_refused(faults):
    assert faults(policy(rule(when="{category: none, place: known}", more="as: other"))) == [
        "routing.yaml:6: as: category other is unknown"
    ]


def test_a_name_given_twice_is_refused(faults):
    text = policy(rule("one", when="{category: sampah, place: known}"), rule("one", when="{category: pkl, place: known}"))
    assert faults(text)[0] == "routing.yaml:7: rule one is given twice, first on line 3; give each a name of its own"


def test_a_reason_must_be_said_in_both_languages(faults):
    assert faults(policy(rule(when="{category: sampah, place: known}", why="why: {id: karena}"))) == [
        "routing.yaml:6: why lacks en"
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "routing.yaml:1: is empty"),
        ("- a\n- b\n", "routing.yaml:1: the policy must be a mapping with name, rules"),
        ("name: x\nrules: []\n", "routing.yaml:2: rules must name at least one rule"),
        ("name: x\nrules: {a: b}\n", "routing.yaml:2: rules must be a list"),
        ("name: x\nrules:\n  - just text\n", "routing.yaml:3: a rule must be a mapping"),
        ("name: Ä ö\nrules: []\n", "routing.yaml:1: the policy's name must be small letters"),
        ("name: x\nrules: [\n", "routing.yaml:3: is not YAML"),
        ("name: x\nrules: *gone\n", "routing.yaml:2: is not YAML"),
        ("name: x\nname: y\nrules: []\n", "routing.yaml:2: name is given twice"),
        (b"name: \xff\n", "routing.yaml:1: byte 0xff is not UTF-8"),
        ("[" * 5_000, "routing.yaml:1: is not YAML"),
        ("name: x\nrules: &a [*a]\n", "routing.yaml:2: "),
        ("# " + "x" * 1_000_000, "routing.yaml:1: has 1,000,002 bytes"),
    ],
    ids=["empty", "list", "no rules", "map", "text", "name", "broken", "alias", "twice", "bytes", "deep", "cycle", "large"],
)
def test_a_file_that_is_no_policy_gives_a_clear_fault(faults, text, fault):
    assert faults(text)[0].startswith(fault)


def test_a_missing_file_is_named(jakarta, tmp_path):
    with pytest.raises(CityFaults, match=r"routing\.yaml:1: the file is missing"):
        policy_file.load(tmp_path, jakarta)


def test_an_empty_condition_is_refused(faults):
    assert (
        faults(policy(rule(when="{}")))[0]
        == "routing.yaml:4: when must name a condition; leave it out for a rule that always matches"
    )
    assert "names no value, so the rule can never match" in faults(policy(rule(when="{category: []}")))[0]
