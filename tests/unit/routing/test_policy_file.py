"""Reading and checking a city's routing.yaml."""

import re
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing.policy import file as policy_file
from services.routing.policy.policy import Condition, name_unit
from tanggap.contracts.faults import CityFaults
from tests.support.policies import WHY, every_facts, notice, policy, rule
from tests.support.routing import JAKARTA

BOMB = (
    "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"{c}: &{c} [{', '.join(['*' + chr(ord(c) - 1)] * 10)}]\n" for c in "bcdefgh")
    + "? *h\n: x\n"
)
"""A hundred million values, were anybody to write them out."""


@pytest.fixture
def faults(jakarta, tmp_path):
    """What is wrong with a policy, as lines."""

    def read(text):
        (tmp_path / policy_file.FILE).write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(CityFaults) as caught:
            policy_file.load(tmp_path, jakarta)
        return str(caught.value).splitlines()

    return read


@pytest.fixture
def read(jakarta, tmp_path):
    """A policy that is right."""

    def load(text):
        (tmp_path / policy_file.FILE).write_text(text)
        return policy_file.load(tmp_path, jakarta)

    return load


def test_jakartas_own_policy_decides_every_complaint_and_uses_every_rule(jakarta, jakarta_policy):
    used = {jakarta_policy.ask(facts).rule.name for facts in every_facts(jakarta, jakarta_policy)}
    assert used == {one.name for one in jakarta_policy.rules}


def test_every_notice_of_jakartas_own_policy_tells_somebody_and_names_a_unit_whenever_it_does(jakarta, jakarta_policy):
    used = set()
    for facts in every_facts(jakarta, jakarta_policy):
        for told in jakarta_policy.ask(facts).notices:
            used.add(told.name)
            assert all(name_unit(jakarta, target, facts) for target in told.targets)
    assert used == {one.name for one in jakarta_policy.notices}


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
    known = (
        "category, category_from, agency, urgency, ward_can_handle, place, kota, kecamatan, ward, "
        "hours, app, source, attributes, words, but_not_in, but_not_after"
    )
    assert faults(text) == [
        f"routing.yaml:5: condition weather is unknown; known are {known}",
        "routing.yaml:6: urgency: urgent is unknown; known are emergency, high, normal, low",
        "routing.yaml:7: kota: 31.99 is unknown; known are 31.01, 31.71, 31.72, 31.73, 31.74, 31.75",
        "routing.yaml:8: ward_can_handle: maybe is unknown; known are yes, no",
        "routing.yaml:9: unless is unknown in a rule; known are rule, to, why, when, as",
        "routing.yaml:11: de is unknown in why; known are id, en",
    ]


@pytest.mark.parametrize(
    ("to", "fault"),
    [
        ("mayor", "to: mayor is unknown; it must be ward, kecamatan, branch"),
        ("{branch: Bina_Marga}", "to: agency Bina_Marga is unknown; did you mean bina-marga?"),
        ("{agency: nasa}", "to: agency nasa is unknown"),
        ("{unit: 99.99}", "to: unit 99.99 is unknown"),
        ("{desk: 31}", "to: desk is unknown; it must be ward, kecamatan, branch"),
        ("{branch: pln, agency: pln}", "to must be ward, kecamatan, branch"),
        ("[ward]", "to must be a mapping"),
        ("unit", "to: unit is unknown; it must be ward"),
        ("{unit: Gambir}", "to: unit Gambir is unknown; did you mean 31.71.01?"),
        ("{unit: triase}", "to: unit triase is the triage desk; write to: triage"),
        ("{triage: kota}", "to: desk kota is unknown"),
    ],
)
def test_an_unknown_target_is_named_with_its_line(faults, to, fault):
    first = faults(policy(rule(to=to, when="{place: known}")))[0]
    assert first.startswith("routing.yaml:5: ")
    assert fault in first


def test_a_code_without_quotes_is_read_as_it_is_written(read):
    (kota, *_) = read(policy(rule(when="{kota: 31.71, category: sampah, place: known}"))).rules[0].conditions
    assert kota == Condition("kota", frozenset({"31.71"}))


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
    what = "complaints whose place is kecamatan, none or outside, for which to: ward names nobody; add place: known"
    assert found == [f"routing.yaml:3: rule one decides {what}"]


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


@pytest.mark.parametrize("when", ["{category: [none, sampah], place: known}", "{words: banjir, place: known}", None])
def test_no_rule_may_take_a_known_category_away(faults, when):
    fault = "as: is for complaints without a known category; have the rule ask for these alone: category: [none, unknown, unsure]"
    assert any(found.endswith(fault) for found in faults(policy(rule(when=when, more="as: banjir"))))


@pytest.mark.parametrize("to", ["triage", "{triage: ward}"])
def test_nothing_is_counted_at_a_triage(faults, to):
    assert faults(policy(rule(to=to, when="{category: none, place: known}", more="as: banjir"))) == [
        "routing.yaml:6: as: counts nothing at a triage, where a person names the category; leave it out"
    ]


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
        ("name: x\nrules: [&a {rule: *a, to: *a, why: *a}]\n", "routing.yaml:2: "),
        (BOMB, "routing.yaml:8: a key of the policy must be a single name"),
        ("name: x\nrules: []\nalso: {a: b}\n", "routing.yaml:2: rules must name"),
        ("name: x\n<<: {rules: []}\n", "routing.yaml:1: the policy lacks rules"),
        ("name: \x01\n", "routing.yaml:1: is not YAML: character U+0001 may not stand in it"),
        ('name: "\\UFFFFFFFF"\n', "routing.yaml:1: is not YAML: an escape that begins with a backslash"),
        ('name: "a\\0b"\n', "routing.yaml:1: the policy's name holds the control character U+0000; leave it out"),
        ('name: "\\ud800"\n', "routing.yaml:1: the policy's name holds half of a character"),
        ("name: x\n---\nname: y\n", "routing.yaml:2: is not YAML: but found another document"),
        (b"\xef\xbb\xbfname: x\n", "routing.yaml:1: starts with a byte order mark"),
        ("# " + "x" * 10_000_000, "routing.yaml:1: has 10,000,002 bytes; a policy has at most 262,144"),
        ("name: x\nrules:\n" + "  - {}\n" * 1_001, "routing.yaml:3: rules has 1,001 entries; at most 1,000"),
    ],
    ids=[
        "empty", "list", "no rules", "map", "text", "name", "broken", "alias", "twice", "bytes", "deep", "cycle", "cycle of maps",
        "bomb", "also", "merge key", "control", "escape", "escaped control", "half", "two documents", "mark", "large", "many",
    ],
)  # fmt: skip
def test_a_file_that_is_no_policy_gives_a_clear_fault(faults, text, fault):
    assert any(found.startswith(fault) for found in faults(text))


def test_an_anchor_that_is_given_twice_is_no_fault_since_yaml_allows_it(read):
    text = policy(
        rule("a", when="{category: &one sampah, place: known}"), rule("b", when="{category: &one pkl, place: &two known}")
    )
    assert len(read(text).rules) == 3


def test_of_more_than_a_hundred_faults_the_first_hundred_are_named_and_the_rest_counted(faults):
    values = "\n".join(f"        - none-such-{number}" for number in range(150))
    found = faults(policy("  - rule: one\n    when:\n      category:\n" + values + f"\n    to: triage\n    {WHY}"))
    assert len(found) == 101
    assert found[-1] == "routing.yaml:106: and 50 faults more; mend these first"


def test_a_missing_file_is_named(jakarta, tmp_path):
    with pytest.raises(CityFaults, match=r"routing\.yaml:1: the file is missing"):
        policy_file.load(tmp_path, jakarta)


def test_an_empty_condition_is_refused(faults):
    assert (
        faults(policy(rule(when="{}")))[0]
        == "routing.yaml:4: when must name a condition; leave it out for a rule that always matches"
    )
    assert "names no value, so the rule can never match" in faults(policy(rule(when="{category: []}")))[0]


# What a rule may ask beside category and place


def test_values_of_the_apps_own_words_are_read_without_case_and_words_as_a_text_is(read):
    text = policy(
        rule(
            to="triage",
            when="{app: ' JAKI ', source: [Twitter, none], attributes: {korban: [Ya, ADA]}, words: [Terbakarnya, Pohon  tumbang!]}",
        )
    )
    assert {one.fact: one.values for one in read(text).rules[0].conditions} == {
        "app": {"jaki"},
        "source": {"twitter", "none"},
        "attributes.korban": {"ya", "ada"},
        "words": {"terbakar", "pohon tumbang"},
    }


def test_exceptions_belong_to_the_words_beside_them_wherever_they_stand(read):
    when = "{but_not_in: ['Api unggunnya', lomba api unggun dan asap], words: [api, asap], but_not_after: [Takut, hampir]}"
    (words,) = read(policy(rule(to="triage", when=when))).rules[0].conditions
    assert words == ("words", {"api", "asap"}, ({"api unggun", "lomba api unggun dan asap"}, {"takut", "hampir"}))


def test_a_fault_of_an_exception_is_named_with_its_own_line(faults):
    text = policy(
        f"  - rule: one\n    when:\n      words: api\n      but_not_in:\n        - api unggun\n        - kereta\n    to: triage\n    {WHY}"
    )
    assert faults(text) == ["routing.yaml:8: but_not_in: kereta holds none of the words, so it changes nothing"]


@pytest.mark.parametrize(
    ("when", "fault"),
    [
        ("{ward: Gambir}", "ward: Gambir is unknown; did you mean 31.71.01.1001?"),
        ("{kecamatan: Gambir}", "kecamatan: Gambir is unknown; did you mean 31.71.01?"),
        ("{kota: Kota Administrasi Jakarta Pusat}", "kota: Kota Administrasi Jakarta Pusat is unknown; did you mean 31.71?"),
        ("{hours: night}", "hours: night is unknown"),
        ("{category_from: citizen}", "category_from: citizen is unknown"),
        ("{words: ['!!!']}", "words: '!!!' has no letter or digit in it"),
        ("{words: []}", "words names no value, so the rule can never match"),
        ("{words: {a: b}}", "words (a value, or several) must be a list"),
        ("{words: api, but_not_in: ['!!!']}", "but_not_in: '!!!' has no letter or digit in it"),
        ("{words: api, but_not_in: []}", "but_not_in names no value; leave it out"),
        (
            "{place: known, but_not_in: api unggun}",
            "but_not_in says where words don't count, and no words are asked for",
        ),
        ("{but_not_after: takut}", "but_not_after says where words don't count, and no words are asked for"),
        ("{words: api, but_not_after: []}", "but_not_after names no value; leave it out"),
        ("{words: api, but_not_after: '?'}", "but_not_after: '?' has no letter or digit in it"),
        ("{words: api, but_not_in: kereta apik}", "but_not_in: kereta apik holds none of the words, so it changes nothing"),
        ("{words: [api, asap], but_not_in: apinya}", "but_not_in: api is one of the words itself, which then never counts"),
        (
            "{words: api, but_not_in: [api unggun, 'lomba api unggun']}",
            "but_not_in: lomba api unggun changes nothing beside api unggun",
        ),
        ("{words: api, but_not_after: [sangat takut, takut]}", "but_not_after: sangat takut changes nothing beside takut"),
        ("{words: api, but_not_after: [takut, takut ..]}", "but_not_after: takut changes nothing beside takut .."),
        ("{words: api, but_not_after: [takut ada, takut ..]}", "but_not_after: takut ada changes nothing beside takut .."),
        ("{words: api, but_not_after: ['takut', 'TAKUT']}", "but_not_after: takut is given twice, first on line 4; keep one"),
        ("{words: api, but_not_after: [takut/cemas, cemas]}", "but_not_after: cemas is given twice, first on line 4; keep one"),
        (
            "{words: api, but_not_in: [api unggun, Api-Unggun]}",
            "but_not_in: api unggun is given twice, first on line 4; keep one",
        ),
        (
            "{words: api, but_not_in: takut api, but_not_after: takut}",
            "but_not_in: takut api changes nothing beside takut",
        ),
        (
            "{words: api, but_not_in: takut ada api, but_not_after: takut ..}",
            "but_not_in: takut ada api changes nothing beside takut ..",
        ),
        ("{words: 'api, asap'}", "words: 'api, asap' can't be found: no phrase reaches over a ','; write a list"),
        ("{words: 'api ... asap'}", "words: 'api ... asap' can't be found: no phrase reaches over a '.'; write a list"),
        (
            "{words: api, but_not_in: api;asap}",
            "but_not_in: 'api;asap' can't be found: no phrase reaches over a ';'; write a list",
        ),
        ("{words: .. api}", "words: '.. api' must have .. between words only, and 2 at most"),
        ("{words: a .. b .. c .. d}", "words: 'a .. b .. c .. d' must have .. between words only, and 2 at most"),
        ("{words: api, but_not_in: api ..}", "but_not_in: 'api ..' must have .. between words only, and 2 at most"),
        ("{words: api, but_not_after: takut .. ada}", "but_not_after: 'takut .. ada' has a .. elsewhere than at its end"),
        ("{words: api, but_not_after: ..}", "but_not_after: '..' has no letter or digit in it"),
        ("{words: a/b/c/d/e a/b/c/d/e a/b/c/d/e}", "words: 'a/b/c/d/e a/b/c/d/e a/b/c/d/e' means more than 100 phrases; part it"),
        ("{attributes: {}}", "attributes must name a key and its values"),
        ("{attributes: [korban]}", "attributes must be a mapping"),
        ("{attributes: {Ada Korban: ya}}", "attribute 'Ada Korban' can't be a key"),
        ("{attributes: {korban: []}}", "attributes.korban names no value"),
        ("{category: [[sampah]]}", "category must be a single value"),
        ("{category: %s}" % ("x" * 5_000), f"category: {'x' * 57}... is unknown"),
    ],
)
def test_a_condition_that_can_not_be_is_named_with_its_line(faults, when, fault):
    first = faults(policy(rule(to="triage", when=when)))[0]
    assert first.startswith("routing.yaml:4: ")
    assert first.removeprefix("routing.yaml:4: ").startswith(fault)


@pytest.mark.parametrize(
    ("when", "fault"),
    [
        ("{category: sampahh}", "category: sampahh is unknown; did you mean sampah?"),
        ("{agency: bpbdd}", "agency: bpbdd is unknown; did you mean bpbd?"),
        ("{kota: Jakarta Pusat}", "kota: Jakarta Pusat is unknown; did you mean 31.71?"),
        ("{hours: night}", "hours: night is unknown; known are office, off"),
        ("{place: somewhere}", "place: somewhere is unknown; known are known, kecamatan, none, outside"),
        ("{ward: Gambirr}", "ward: Gambirr is unknown; did you mean 31.71.01.1001?"),
        ("{ward: 31.71.01.1009}", "ward: 31.71.01.1009 is unknown"),
        ("{category: zzz}", "category: zzz is unknown"),
    ],
)
def test_of_a_value_that_is_unknown_the_one_that_may_be_meant_is_told_or_all_where_they_are_few(faults, when, fault):
    assert faults(policy(rule(to="triage", when=when))) == [f"routing.yaml:4: {fault}"]


def test_thirty_thousand_unknown_values_are_told_of_in_seconds(faults):
    values = "[" + ", ".join(f"x{number}" for number in range(30_000)) + "]"
    begun = time.monotonic()
    assert "routing.yaml:4: and 29,900 faults more; mend these first" in faults(
        policy(rule(to="triage", when=f"{{ward: {values}}}"))
    )
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("when:\n    to: triage", "4: when must name a condition; leave it out for a rule that always matches"),
        ("when: x\n    to: triage", "4: when must be a mapping of names to values"),
        ("when: {attributes: }\n    to: triage", "4: attributes must name a key and its values, as `korban: [ya, ada]`"),
        ("when: {words: ['', api]}\n    to: triage", "4: a value of words is empty"),
        ("when: {words: ''}\n    to: triage", "4: words is empty"),
        ("when: {words: {a: b}}\n    to: triage", "4: words (a value, or several) must be a list"),
        ("to:", "4: to is empty"),
    ],
)
def test_each_mistake_of_a_rule_is_one_fault_that_says_what_it_is(faults, lines, found):
    assert faults(policy(f"  - rule: one\n    {lines}\n    {WHY}")) == [f"routing.yaml:{found}"]


def test_a_reason_must_be_a_clause_that_people_can_read(faults):
    assert faults(policy(rule(to="triage", why='why: {id: "", en: because}')))[0] == "routing.yaml:5: id of why is empty"
    long = f"why: {{id: karena, en: {'x' * 100_000}}}"
    assert faults(policy(rule(to="triage", why=long))) == [
        "routing.yaml:5: en of why has 100,000 characters; a clause has at most 400"
    ]


def test_more_rules_than_can_be_checked_are_not_said_to_be_none(faults):
    assert faults("name: x\nrules:\n" + "  - {}\n" * 1_001) == [
        "routing.yaml:3: rules has 1,001 entries; at most 1,000 can be checked"
    ]
    assert faults("name: x\nrules: {a: b}\n") == ["routing.yaml:2: rules must be a list"]


VALUES = ", ".join(f"w{number}" for number in range(5_000))


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        (
            policy(
                rule("r0", "triage", f"{{app: a0, words: &w [{VALUES}]}}"),
                *(rule(f"r{number}", "triage", f"{{app: a{number}, words: *w}}") for number in range(1, 300)),
            ),
            "79: the policy is too long to be checked from r19 on",
        ),
        (
            policy(
                rule(
                    "one",
                    "triage",
                    f"{{attributes: {{b0: &w [{VALUES}], {', '.join(f'b{number}: *w' for number in range(1, 1_000))}}}}}",
                )
            ),
            "3: the policy is too long to be checked from one on",
        ),
        (
            policy(
                also=[
                    notice("n0", f"&w [{', '.join(['{unit: 31.71}'] * 5_000)}]", "{app: a0}"),
                    *(notice(f"n{number}", "*w", f"{{app: a{number}}}") for number in range(1, 900)),
                ]
            ),
            "84: the policy is too long to be checked from n19 on",
        ),
        (
            policy(
                rule("one", "triage", f"{{words: [{', '.join(['a/b/c/d/e/f/g/h/i/j k/l/m/n/o/p/q/r/s/t'] * 5_000)}]}}"),
                rule("two", "triage", "{words: api}"),
            ),
            "3: the policy is too long to be checked from one on",
        ),
    ],
    ids=["words", "attributes", "targets", "ways"],
)
def test_a_small_file_that_asks_for_more_than_can_be_checked_is_refused_within_seconds(faults, text, ended):
    assert len(text) < policy_file.MOST_BYTES
    started = time.process_time()
    found = faults(text)
    assert time.process_time() - started < 20
    (too_long,) = [one for one in found if "too long" in one]
    assert too_long.startswith(f"routing.yaml:{ended}: its rules and notices ask for more than 100,000 words and other values")


def test_the_same_words_may_be_asked_for_by_hundreds_of_rules(read):
    first = rule("r0", "triage", f"{{app: a0, words: &w [{', '.join(f'kata{number}' for number in range(100))}]}}")
    others = (rule(f"r{number}", "triage", f"{{app: a{number}, words: *w}}") for number in range(1, 900))
    assert len(read(policy(first, *others)).rules) == 901


def test_a_phrase_is_no_longer_than_a_complaint(faults, read):
    def asking(count):
        return policy(
            rule("one", "triage", f"{{words: api, but_not_after: {' '.join(f'w{number}' for number in range(count))}}}")
        )

    assert len(read(asking(policy_file.MOST_LONG)).rules) == 2
    (found,) = faults(asking(30_000))
    assert "w16..." in found
    assert found.endswith("has 30,000 words in a row; at most 100 can be asked for")


def test_a_quotation_mark_that_is_never_closed_is_named_where_it_is_opened(faults):
    text = policy(rule("one", why='why: {id: "karena, en: because}'), rule("two"), rule("three"))
    assert faults(text) == ["routing.yaml:5: is not YAML: a quotation mark is opened here and never closed"]


def test_a_bracket_that_is_never_closed_is_named_where_it_is_opened(faults):
    assert faults("name: x\nrules:\n  - rule: a\n    when: {category: [sampah\n") == [
        "routing.yaml:4: is not YAML: expected ',' or ']', but got '<stream end>'"
    ]


def test_a_space_that_is_none_to_yaml_is_named_on_its_own_line(faults):
    (fault,) = faults(
        policy(rule(to="triage")).replace("to: triage\n    why: {id: karena", "to:\u00a0triage\n    why: {id: karena", 1)
    )
    assert fault.startswith(
        "routing.yaml:4: is not YAML: could not find expected ':'; a space on this line is a non-breaking one"
    )


def test_a_city_whose_categories_bear_a_name_that_policies_need_is_refused(jakarta):
    clash = replace(jakarta, categories={**jakarta.categories, "none": jakarta.categories["lainnya"]})
    with pytest.raises(CityFaults, match="the city has a category none, which in a policy means none of its own"):
        policy_file.parse("routing.yaml", policy().encode(), clash)


# Targets that need a place


@pytest.mark.parametrize(
    ("to", "places", "needed"),
    [
        ("ward", "kecamatan, none or outside", "known"),
        ("{triage: ward}", "kecamatan, none or outside", "known"),
        ("kecamatan", "none or outside", "[known, kecamatan]"),
        ("branch", "none or outside", "[known, kecamatan]"),
        ("{branch: gulkarmat}", "none or outside", "[known, kecamatan]"),
        ("{triage: kecamatan}", "none or outside", "[known, kecamatan]"),
    ],
)
def test_a_target_is_refused_where_the_place_does_not_name_it_and_taken_where_it_does(faults, read, to, places, needed):
    assert faults(policy(rule(to=to, when="{category: sampah}"))) == [
        f"routing.yaml:3: rule one decides complaints whose place is {places}, for which to: {to} names nobody; add place: {needed}"
    ]
    assert read(policy(rule(to=to, when=f"{{category: sampah, place: {needed}}}"))).rules[0].name == "one"


@pytest.mark.parametrize("to", ["triage", "agency", "{agency: bpbd}", "{unit: 31.71}"])
def test_a_target_that_needs_no_place_is_taken_without(read, to):
    assert len(read(policy(rule(to=to, when="{category: sampah}"))).rules) == 2


def test_a_place_that_an_earlier_rule_took_is_not_missing_in_a_later_one(read):
    text = policy(rule("away", to="triage", when="{place: [kecamatan, none, outside]}"), rule(when="{category: sampah}"))
    assert [one.name for one in read(text).rules] == ["away", "one", "rest"]


# Notices


def test_notices_are_read_with_one_target_or_several(read):
    found = read(
        policy(
            rule("no-place", to="triage", when="{place: [none, outside]}"),
            also=(
                notice("fire", "[{branch: gulkarmat}, {agency: bpbd}]", "{words: api, place: known}"),
                notice("all", "{unit: 31}"),
            ),
        )
    )
    assert [(one.name, one.line, len(one.targets)) for one in found.notices] == [("fire", 11, 2), ("all", 15, 1)]


@pytest.mark.parametrize(
    ("one", "fault"),
    [
        (notice(to="triage"), "routing.yaml:9: to: a notice can't go to triage"),
        (notice(to="[]"), "routing.yaml:9: to names nobody"),
        (notice(to="[{agency: bpbd}, {agency: bpbd}]"), "routing.yaml:9: to names the same twice, first on line 9"),
        (notice(to="{agency: gulkarma}"), "routing.yaml:9: to: agency gulkarma is unknown"),
        (notice().replace("to:", "urgency: now\n    to:"), "routing.yaml:9: urgency: now is unknown; known are emergency, high"),
        (notice().replace("to:", "urgency: [high, low]\n    to:"), "routing.yaml:9: urgency must be a single value"),
        (notice("rest"), "routing.yaml:8: notice rest is given twice, first on line 4"),
        (rule("told"), "routing.yaml:8: a notice lacks notice"),
        (notice(to="ward"), "routing.yaml:8: notice told tells of complaints whose place is kecamatan, none or outside"),
        (notice(to="agency", when="{place: known}"), "routing.yaml:8: notice told tells of complaints whose category is none"),
        (notice(when="{category: sampah, agency: pln}"), "routing.yaml:8: notice told never tells: no complaint can meet"),
    ],
)
def test_a_notice_that_tells_nobody_is_named_with_its_line(faults, one, fault):
    assert any(found.startswith(fault) for found in faults(policy(also=(one,))))


def test_a_notice_that_tells_nobody_anything_new_is_named_with_those_that_do(faults):
    text = policy(
        also=(
            notice("narrow", "{agency: bpbd}", "{category: [banjir, kebakaran], hours: off}"),
            notice("emergencies", "{agency: bpbd}", "{urgency: emergency}"),
            notice("again", "{agency: bpbd}", "{urgency: emergency}"),
            notice("others", "{agency: gulkarmat}", "{urgency: emergency}"),
        )
    )
    already = "tells {agency: bpbd} nothing new, it is told already by"
    assert faults(text) == [
        f"routing.yaml:8: notice narrow {already} emergencies (line 12)",
        f"routing.yaml:16: notice again {already} emergencies (line 12)",
    ]


# Whatever the file


@given(st.binary(max_size=300))
def test_any_bytes_are_a_policy_or_faults_with_lines(jakarta, raw):
    assert judged(raw, jakarta)


@given(st.data())
@settings(deadline=None)  # a whole policy is read each time
def test_jakartas_own_policy_spoilt_anyhow_is_a_policy_or_faults_with_lines(jakarta, data):
    raw = (JAKARTA / policy_file.FILE).read_bytes()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(raw) - 1))
        end = start + data.draw(st.integers(0, 80))
        put = data.draw(st.sampled_from(PIECES) | st.binary(max_size=4))
        raw = raw[:start] + put + raw[end:]
    assert judged(raw, jakarta)


PIECES = tuple(
    piece.encode()
    for piece in (
        "", "\n", "  ", "{", "}", "[", "]", ":", ": ", "- ", "&a ", "*a", "!!null ", "|", ">", "#", "'", '"', "<<: ", "? ",
        "when: {}", "to: ward", "to: [ward]", "category: none", "place: known", "as: lainnya", "null", "~", "---\n", "\t", "\x00",
        "ward_can_handle: yes", "words: [api]", "also:\n", "rules:\n", "- rule: emergency\n",
    )
)  # fmt: skip


def judged(raw, city):
    """The rules, or the faults; anything else that is raised fails the test."""
    try:
        return policy_file.parse("p", raw, city).rules
    except CityFaults as faults:
        found = faults.faults
    assert all(fault.line >= 1 and fault.what for fault in found)
    return found
