"""The proof that a policy is whole, held against trying every complaint of a small city."""

import random
import re
import time
from collections import defaultdict
from dataclasses import replace
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing.policy import check as policy_check
from services.routing.policy import file as policy_file
from services.routing.policy.check import What, whats, wheres
from services.routing.policy.policy import NONE, WITHOUT_CATEGORY, Condition, Facts, Notice, Rule, Target, name_unit
from services.routing.policy.words import Exceptions, Said
from tanggap.contracts.events import Words
from tanggap.contracts.faults import CityFaults, Faults
from tests.support.policies import policy, rule, sent

CATEGORIES = ("sampah", "banjir", "listrik", "lainnya")
WORDS = ("api", "pohon", "pohon tumbang")
SOURCES = ("twitter", "wa")
KEPT = ("31", "31.71", "31.71.01", "31.71.01.1001", "31.71.01.1002", "31.01", "31.01.01", "31.01.01.1001", "triase")
WHY_WORDS = Words(id="karena", en="because")


class World:
    """A city and every complaint of it that these tests' rules can tell apart; its repr is short, for when an example fails."""

    def __init__(self, city):
        self.city = city
        self.facts = every(city)


@pytest.fixture(scope="session")
def small(jakarta):
    """Jakarta with two kota, two kecamatan, three wards and four categories."""
    units = {code: info for code, info in jakarta.units.items() if code in KEPT or info.level in {"dinas", "sudin", "external"}}
    assert set(KEPT) <= units.keys()
    return World(replace(jakarta, units=units, categories={slug: jakarta.categories[slug] for slug in CATEGORIES}))


def every(city):
    texts = {
        frozenset(word for word in WORDS if word in chosen or any(f" {word} " in f" {one} " for one in chosen)): chosen
        for size in range(len(WORDS) + 1)
        for chosen in combinations(WORDS, size)
    }
    all_sent = [
        sent(city, " dan ".join(chosen), hours, source=source, attributes=attributes)
        for hours, source, attributes, chosen in product(
            ("office", "off"),
            (*SOURCES, NONE, "another"),
            ({}, {"korban": "ya"}, {"korban": "another"}),
            texts.values(),
        )
    ]
    return [Facts(*what, *where, one) for what, where, one in product(whats(city), wheres(city), all_sent)]


values = {
    "category": (*CATEGORIES, *sorted(WITHOUT_CATEGORY)),
    "category_from": ("app", "text", "none"),
    "agency": ("lingkungan-hidup", "sumber-daya-air", "pln"),
    "urgency": ("emergency", "high", "normal"),
    "ward_can_handle": ("yes", "no"),
    "place": ("known", "kecamatan", "none", "outside"),
    "kota": ("31.71", "31.01"),
    "kecamatan": ("31.71.01", "31.01.01"),
    "ward": ("31.71.01.1001", "31.71.01.1002", "31.01.01.1001"),
    "hours": ("office", "off"),
    "source": (*SOURCES, NONE),
    "attributes.korban": ("ya", NONE),
    "words": WORDS,
}
TARGETS = (
    Target("triage"),
    Target("triage", "ward"),
    Target("triage", "kecamatan"),
    Target("ward"),
    Target("kecamatan"),
    Target("branch"),
    Target("branch", "gulkarmat"),
    Target("agency"),
    Target("agency", "bpbd"),
    Target("unit", "31.71"),
)


@st.composite
def conditions(draw, least=0):
    chosen = draw(st.lists(st.sampled_from(sorted(values)), min_size=least, max_size=3, unique=True))
    return tuple(Condition(fact, draw(st.frozensets(st.sampled_from(values[fact]), min_size=1, max_size=4))) for fact in chosen)


@st.composite
def rules(draw):
    found = [
        Rule(
            f"r{number}",
            number,
            draw(conditions(least=1)),
            draw(st.sampled_from(TARGETS)),
            draw(st.sampled_from((None, None, "lainnya"))),
            WHY_WORDS,
        )
        for number in range(1, draw(st.integers(1, 6)))
    ]
    return [*found, Rule("rest", 90, (), Target("triage"), None, WHY_WORDS)]


@st.composite
def notices(draw):
    return [
        Notice(f"n{number}", 100 + number, draw(conditions()), (draw(st.sampled_from(TARGETS[3:])),), WHY_WORDS)
        for number in range(draw(st.integers(0, 3)))
    ]


def counted_besides(all_facts, rules):
    """All complaints as notices see them: what nobody named a category for is told under the one by which a rule counts it, too."""
    told = [*all_facts]
    for slug in {one.counted_as for one in rules if one.counted_as}:
        like = {field: getattr(next(one for one in all_facts if one.category == slug), field) for field in What._fields}
        told += [one._replace(**{**like, "category_from": "none"}) for one in all_facts if one.category == "none"]
    return told


def tried(city, all_facts, rules, notices):
    """What is wrong, found by trying every complaint: line, and the words by which the fault can be told."""
    return tried_rules(city, all_facts, rules) | tried_notices(city, counted_besides(all_facts, rules), notices)


def tried_rules(city, all_facts, rules):
    wrong = set()
    decided, can = defaultdict(list), set()
    for facts in all_facts:
        first, *later = (one for one in rules if one.matches(facts))
        can |= {first.name, *(one.name for one in later)}
        decided[first.name].append(facts)
    for one in rules:
        if not decided[one.name]:
            wrong.add((one.line, "all that it matches" if one.name in can else "no complaint can meet all its conditions"))
            continue
        wrong |= nobody(city, one, one.target, decided[one.name])
        if one.target.kind != "triage" and one.counted_as is None:
            without = {facts.category for facts in decided[one.name]} & WITHOUT_CATEGORY
            wrong |= {(one.line, f"decides complaints whose category is {category}; say under which") for category in without}
    return wrong


def tried_notices(city, all_facts, notices):
    wrong = set()
    told = {one.name: {number for number, facts in enumerate(all_facts) if one.matches(facts)} for one in notices}
    for one in notices:
        if not told[one.name]:
            wrong.add((one.line, "no complaint can meet all its conditions"))
            continue
        wrong |= nobody(city, one, one.targets[0], [all_facts[number] for number in told[one.name]])
        same = {other.name for other in notices if set(other.conditions) == set(one.conditions) and other.line >= one.line}
        others = [other for other in notices if other.targets == one.targets and other.name not in same]
        if told[one.name] <= set().union(*(told[other.name] for other in others)):
            wrong.add((one.line, "it is told already by"))
    return wrong


def nobody(city, one, target, decided):
    missing = [facts for facts in decided if name_unit(city, target, facts) is None]
    without_agency = target.kind in {"branch", "agency"} and target.of is None
    places = {facts.place for facts in missing if not (without_agency and target.kind == "agency")}
    if target.kind == "branch":
        places = {facts.place for facts in decided if facts.kota is None}
    agencies = {facts.category for facts in decided if facts.agency is None} if without_agency else set()
    return {(one.line, place) for place in places} | {(one.line, f"{category}, for which") for category in agencies}


@given(rules(), notices())
@settings(deadline=None)  # ten thousand complaints are tried for each policy
def test_it_finds_exactly_what_trying_every_complaint_finds(small, rules, notices):
    faults = Faults()
    policy_check.check("routing.yaml", small.city, rules, notices, faults)
    expected = tried(small.city, small.facts, rules, notices)
    for line, words in expected:
        assert any(fault.line == line and words in fault.what for fault in faults.found), (line, words, faults.found)
    for fault in faults.found:
        known = [words for line, words in expected if line == fault.line]
        assert any(words in fault.what for words in known), fault
        if "never decides: r" in fault.what or "told already by" in fault.what:
            just_those_that_are_needed(fault, [*rules, *notices], counted_besides(small.facts, rules))


def just_those_that_are_needed(fault, everyone, all_facts):
    """That those which a fault names take all that the one at its line matches, and each of them something that no other takes."""
    one = next(each for each in everyone if each.line == fault.line)
    takers = [next(each for each in everyone if each.name == name) for name in re.findall(r"(\w+) \(line", fault.what)]
    # Where nobody but a rule takes what it counts, notices alone see it.
    seen = [
        facts for facts in all_facts if isinstance(one, Notice) or (facts.category_from == "none") == (facts.category == "none")
    ]
    taken = [{taker.name for taker in takers if taker.matches(facts)} for facts in seen if one.matches(facts)]
    assert all(taken), fault
    assert {name for names in taken if len(names) == 1 for name in names} == {taker.name for taker in takers}, fault


def test_only_those_that_are_needed_are_said_to_take_what_a_rule_matches(jakarta):
    def fault(*rules):
        text = policy(*(rule(name, to="triage", when=f"{{{when}}}") for name, when in zip("abc", rules, strict=True)))
        with pytest.raises(CityFaults) as caught:
            policy_file.parse("p", text.encode(), jakarta)
        return [one.what for one in caught.value.faults]

    wide = ("category: sampah, hours: off", "category: [sampah, pkl]", "category: sampah")
    assert fault(*wide) == ["rule c never decides: b (line 7) before it takes all that it matches"]
    halves = ("hours: off", "hours: office", "category: sampah")
    assert "rule c never decides: a (line 3), b (line 7) before it take all that it matches" in fault(*halves)


def test_a_thousand_rules_of_a_word_each_are_checked_too(jakarta):
    text = policy(*(rule(f"r{number}", to="triage", when=f"{{words: kata{number}}}") for number in range(999)))
    started = time.process_time()
    assert len(policy_file.parse("p", text.encode(), jakarta).rules) == 1_000
    assert time.process_time() - started < 10


def test_words_that_hold_others_are_seen_through(jakarta):
    def text(first, second):
        return policy(
            rule("first", to="triage", when=f"{{words: [{first}]}}"), rule("second", to="triage", when=f"{{words: [{second}]}}")
        )

    def faults(first, second):
        try:
            policy_file.parse("p", text(first, second).encode(), jakarta)
        except CityFaults as found:
            return [str(fault) for fault in found.faults]
        return []

    shadowed = ["p:7: rule second never decides: first (line 3) before it takes all that it matches"]
    assert faults("api, pohon", "pohon") == shadowed
    assert faults("pohon", "pohon tumbang") == shadowed
    assert faults("tumbang", "pohon tumbang, tumbang sendiri") == shadowed
    assert faults("pohon tumbang", "pohon") == []
    assert faults("pohon", "pohon, api") == []


def test_words_with_exceptions_are_seen_through_as_far_as_is_safe(jakarta):
    def never_decide(*rules):
        text = policy(*(rule(f"r{number}", to="triage", when=f"{{{when}}}") for number, when in enumerate(rules)))
        try:
            policy_file.parse("p", text.encode(), jakarta)
        except CityFaults as found:
            return [re.search(r"rule (\w+) never decides", fault.what)[1] for fault in found.faults]
        return []

    narrow, wide = "words: api, but_not_in: [api unggun, api abadi]", "words: api, but_not_in: api unggun"
    assert never_decide("words: api", narrow) == ["r1"]
    assert never_decide(wide, narrow) == ["r1"]
    assert never_decide("words: api", "words: api besar, but_not_in: api besar kepala") == ["r1"]
    assert never_decide(narrow, "words: api") == []
    assert never_decide(narrow, wide) == []
    # "api unggun besar" is for the second, since "unggun besar" reaches out of the exception.
    assert never_decide("words: unggun, but_not_in: api unggun", "words: unggun besar") == []
    after = "words: api, but_not_after: [takut, anti]"
    assert never_decide("words: api, but_not_after: anti", after) == ["r1"]
    assert never_decide(after, "words: api, but_not_after: anti") == []
    assert never_decide(after, wide) == never_decide(wide, after) == never_decide(after, "words: api besar") == []
    # What a rule does not ask for is no exception of it.
    assert never_decide("words: [api, asap], but_not_in: api unggun", "words: asap") == ["r1"]
    assert never_decide("words: api, but_not_in: api unggun", "words: api unggun") == []
    assert never_decide("words: atap .. roboh", "words: [atap roboh, atap rumah roboh]") == ["r1"]
    assert never_decide("words: roboh", "words: atap/tembok .. roboh") == ["r1"]
    assert never_decide("words: [atap roboh, atap rumah roboh]", "words: atap .. roboh") == []


PHRASES = ("a", "b", "a b", "b a", "a b c", "c a", "a .. b", "c .. a")
AFTER = (*(one for one in PHRASES if ".." not in one), "a ..", "d ..", "c a ..")
ALL_TEXTS = [Said(" ".join(text)) for size in range(6) for text in product("abcd", repeat=size)]


@st.composite
def words_with_exceptions(draw):
    words = draw(st.frozensets(st.sampled_from(PHRASES), min_size=1, max_size=2))
    holding = [one for one in PHRASES if one not in words and any(f" {word} " in f" {one} " for word in words)]
    within = draw(st.frozensets(st.sampled_from(holding), max_size=2)) if holding else frozenset()
    return Condition("words", words, Exceptions(within, draw(st.frozensets(st.sampled_from(AFTER), max_size=2))))


@given(st.lists(words_with_exceptions(), min_size=1, max_size=4))
@settings(deadline=None)  # a thousand texts are tried for each policy
def test_no_rule_is_said_never_to_decide_that_does_for_some_text(jakarta, asked):
    rules = [Rule(f"r{line}", line, (one,), Target("triage"), None, WHY_WORDS) for line, one in enumerate(asked, 1)]
    faults = Faults()
    policy_check.check("p", jakarta, [*rules, Rule("rest", 90, (), Target("triage"), None, WHY_WORDS)], (), faults)
    decide = {next((place for place, one in enumerate(asked, 1) if one.words.in_(said)), 90) for said in ALL_TEXTS}
    assert not decide & {fault.line for fault in faults.found}


def many(count, made, *, seed=5):
    """A policy of so many rules, each made by chance, without those that never decide."""
    chance = random.Random(seed)
    return policy(*(rule(f"r{number}", to="triage", when=made(chance)) for number in range(count)))


def ordinary(jakarta):
    slugs, wards = sorted(jakarta.categories), [info.code for info in jakarta.wards()]

    def made(chance):
        parts = [f"category: [{', '.join(chance.sample(slugs, chance.randint(1, 3)))}]"]
        parts.append(f"ward: [{', '.join(chance.sample(wards, chance.randint(1, 5)))}]")
        if chance.random() < 0.3:
            parts.append(f"words: [{', '.join(chance.sample(('api', 'air', 'pohon', 'kabel', 'asap', 'bau', 'got'), 3))}]")
        if chance.random() < 0.3:
            parts.append(f"attributes: {{{chance.choice(('korban', 'lantai', 'jalan'))}: [{chance.choice('abc')}]}}")
        if chance.random() < 0.2:
            parts.append("hours: off")
        return "{" + ", ".join(parts) + "}"

    return made


def test_a_policy_of_two_hundred_rules_is_checked_within_a_second(jakarta):
    read = policy_file.parse("p", many(200, ordinary(jakarta)).encode(), jakarta)
    assert len(read.rules) == 201
    spent = []
    for _ in range(3):
        faults = Faults()
        started = time.process_time()
        policy_check.check("p", jakarta, read.rules, (), faults)
        spent.append(time.process_time() - started)
        assert faults.found == []
    assert min(spent) < 1


def test_a_policy_that_is_too_tangled_to_be_judged_is_refused_within_seconds_with_the_rule_at_which_it_ended(jakarta):
    def made(chance):
        keys = chance.sample(range(40), 3)
        return "{attributes: {" + ", ".join(f"a{key}: {chance.choice(('ya', 'none'))}" for key in keys) + "}}"

    started = time.process_time()
    with pytest.raises(CityFaults) as caught:
        policy_file.parse("p", many(400, made).encode(), jakarta)
    assert time.process_time() - started < 20
    (fault,) = [fault for fault in caught.value.faults if "too tangled" in fault.what]
    assert "the policy is too tangled to be checked from r" in fault.what
    assert "ask for fewer facts in one rule" in fault.what
    assert fault.line > 3


def test_a_thousand_rules_are_checked_too(jakarta):
    wards = [info.code for info in jakarta.wards()]
    slugs = sorted(jakarta.categories)
    pairs = list(product(slugs, wards))[:: len(slugs) * len(wards) // 999][:999]
    text = policy(*(rule(f"r{number}", when=f"{{category: {slug}, ward: {ward}}}") for number, (slug, ward) in enumerate(pairs)))
    assert len(policy_file.parse("p", text.encode(), jakarta).rules) == 1_000


def listed(made, count):
    return ", ".join(made(number) for number in range(count))


TEN_BY_TEN = " ".join("/".join(f"{letter}{number}" for number in range(10)) for letter in "ab")


@pytest.mark.parametrize(
    "when",
    [
        f"words: [{listed(lambda number: f'jalan kata{number}', 4_000)}]",
        f"words: [{listed(lambda number: f'a .. b{number} .. c', 5_000)}]",
        f"words: [{listed(lambda number: f'{TEN_BY_TEN} c{number}', 300)}]",
        f"words: [{listed(lambda number: f'a x{number}', 8_000)}], but_not_in: [{listed(lambda number: f'a x{number} y', 8_000)}]",
        f"words: [{listed(lambda number: ' '.join('ab'[number >> place & 1] for place in range(14)), 5_000)}]",
        f"words: [{listed(lambda number: f'w{number}', 12_000)}], but_not_after: [{listed(lambda number: f'k{number}', 12_000)}]",
    ],
    ids=["one first word", "gaps", "ways", "exceptions", "two words alone", "exceptions of all"],
)
def test_thousands_of_phrases_that_share_their_words_are_checked_within_seconds(jakarta, when):
    started = time.process_time()
    policy_file.parse("p", policy(rule("a", to="triage", when=f"{{{when}}}")).encode(), jakarta)
    assert time.process_time() - started < 12


def test_many_notices_that_tell_many_units_are_judged_within_seconds(jakarta):
    units = [Target("unit", code) for code in sorted(jakarta.units.keys() - {jakarta.triage_unit.code})]
    notices = [
        Notice(f"n{number}", number, (Condition("app", frozenset({f"a{number}"})),), tuple(units[number % 20 :: 20]), WHY_WORDS)
        for number in range(2, 1_000)
    ]
    faults = Faults()
    started = time.process_time()
    policy_check.check("p", jakarta, [Rule("rest", 1, (), Target("triage"), None, WHY_WORDS)], notices, faults)
    assert time.process_time() - started < 10
    assert faults.found == []
