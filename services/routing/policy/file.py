"""Reads a city's `routing.yaml` and checks it: every fault is named with its line, and a policy with a fault is not used.

```yaml
name: jakarta-1
rules:                          # the first that matches decides
  - rule: ward-crew             # its name, in every decision that it makes
    when:                       # all must hold; a list means any of these; a rule without `when` always matches
      category: [sampah, pkl]   # slugs, or none (nobody named one), unsure (the text does, not surely), unknown (not the city's)
      category_from: app        # app, or text: the words of the complaint named it
      agency: bina-marga        # the category's; so are urgency (emergency, high, normal, low) and ward_can_handle (yes, no)
      place: known              # known (the ward is), kecamatan (no more than that is), none, outside
      kota: 31.71               # codes of units.csv; so are kecamatan and ward
      hours: off                # office, or off: whether the city's offices were open when it was received
      app: jaki                 # who sent it, and source: where from, in the app's words; source none: it said nothing
      attributes:               # what else the app said, in its words; none: it said nothing
        korban: [ya, ada]
      words: [kebakaran, pohon tumbang]    # the text has one of these; several words must stand in a clause of it in a row,
                                           # atap/tembok .. roboh: one of the two, and up to three other words before roboh
      but_not_in: [pemadam kebakaran]      # a word counts only where it does not stand within one of these,
      but_not_after: [hampir, takut ..]    # nor right after one of these, nor, with .. at the end, soon after
    to: ward                    # ward | kecamatan | branch | agency | triage | {branch: AGENCY} | {agency: AGENCY} | {unit: CODE}
                                # | {triage: ward} | {triage: kecamatan}: a person at that unit's desk decides, not at the city's
    as: lainnya                 # the category it is counted under, where the rule asks for complaints without a known one alone
    why: {id: ..., en: ...}     # a clause for people: why this unit
also:                           # optional: who is told at the same time, whoever acts; every one that matches counts. They see
                                # the category under which the deciding rule counts the complaint
  - notice: emergency-service
    when: {urgency: emergency}
    to: {agency: bpbd}          # or a list; triage is none, since nothing is asked of whom a notice tells
    urgency: emergency          # optional: a triage of what it tells of is at least so urgent; an assignment is as its category is
    why: {id: ..., en: ...}
```

The check is exact (`check.py`): a rule that never decides, a complaint left over, a target that names nobody for something
that reaches it, a notice that tells nobody anything new: all are faults.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final, cast, get_args

from services.routing.policy.check import check
from services.routing.policy.policy import (
    ATTRIBUTE,
    BUT_NOT_AFTER,
    BUT_NOT_IN,
    WITHOUT_CATEGORY,
    WORDS,
    CategoryFrom,
    Condition,
    HoursKind,
    Notice,
    PlaceKind,
    Policy,
    Rule,
    Target,
    TargetKind,
    YesNo,
    folded,
)
from services.routing.policy.words import (
    GAP,
    MOST_GAPS,
    MOST_WAYS,
    Exceptions,
    TooManyError,
    Wanted,
    held,
    parts_of,
    phrases_of,
    says_already,
    stands_in,
)
from services.routing.tokens import SIGNS
from tanggap.contracts.city import CITY_LEVELS, City
from tanggap.contracts.events import ATTRIBUTE_KEY, Urgency, Words
from tanggap.contracts.faults import CityFaults, Fault, Faults
from tanggap.contracts.sources import Entry, parse_yaml

FILE: Final = "routing.yaml"
MOST_BYTES: Final = 256 * 1024
MOST_RULES: Final = 1_000
"""A larger policy is not one that a person wrote, nor one that a person could judge."""
MOST_ASKED: Final = 100_000
"""Words and other values in all conditions and lists of targets of a policy, each as often as it is read: aliases of YAML and / can make
millions of a small file."""
MOST_LONG: Final = 100
"""Words of an entry in a row: a complaint has some thirty."""
MOST_WHY: Final = 400
"""Characters of a clause that people read, in a mail and on a phone; Jakarta's longest has some 130."""
MOST_FAULTS: Final = 100
"""Nobody reads more at once."""

_TARGETS: Final = (
    "ward, kecamatan, branch, agency, triage, {branch: AGENCY}, {agency: AGENCY}, {unit: CODE}, "
    "{triage: ward} or {triage: kecamatan}"
)
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SIGN_WITHIN: Final = re.compile(rf"[^\W_]\s*([{SIGNS}])[\s{SIGNS}]*[^\W_]")
"""What ends a clause, between two words: in a text it stands between them as well."""
_LONGEST_SHOWN: Final = 60
_FEW: Final = 8
"""So many known values are named where none is like the one that was given."""
_EXCEPTIONS: Final = (BUT_NOT_IN, BUT_NOT_AFTER)
_SHORTEST_LIKE: Final = 5
_LIKE_FROM: Final = 0.8
"""How alike two words are, 0 to 1 (`difflib`), of which one may be a slip for the other: sampahh is 0.92 like sampah."""


def load(folder: Path, city: City) -> Policy:
    """The policy of the city in `folder`. Raises `CityFaults` with everything that is wrong with it."""
    path = folder / FILE
    return parse(FILE, read(path, FILE), city)


def read(path: Path, name: str) -> bytes:
    """The file's bytes, as `parse` takes them.

    Raises `CityFaults`, under that name, for one that can't be read, is no regular file or is too large.
    """
    try:
        status = path.stat()
        # A pipe or a device may never end, and has no size to judge it by.
        if stat.S_ISREG(status.st_mode) and status.st_size <= MOST_BYTES:
            return path.read_bytes()
    except FileNotFoundError:
        what = "the file is missing"
    except OSError as error:
        what = f"the file can't be read: {error.strerror}"
    else:
        what = f"has {status.st_size:,} bytes; a policy has at most {MOST_BYTES:,}"
        if not stat.S_ISREG(status.st_mode):
            what = "the file can't be read: a policy must be a regular file, not a folder, a pipe or a device"
    raise CityFaults([Fault(name, 1, what)])


def is_name(text: str) -> bool:
    """Whether a policy, a rule or a notice may be called so."""
    return len(text) <= _LONGEST_SHOWN and _NAME.fullmatch(text) is not None


def version_of(name: str, raw: bytes) -> str:
    """The version of a policy: its name and the start of its bytes' SHA-256 sum."""
    return f"{name}+{hashlib.sha256(raw).hexdigest()[:8]}"


def parse(file: str, raw: bytes, city: City) -> Policy:
    """The policy that a file's bytes hold, for that city. `file`: its name in faults.

    Raises `CityFaults` with everything that is wrong with it, the first hundred faults at most.
    """
    faults = Faults()
    policy = _Reader(file, city, faults).policy(raw)
    if faults.found or policy is None:
        found = sorted(set(faults.found))
        more = len(found) - MOST_FAULTS
        if more > 0:
            rest = Fault(file, found[MOST_FAULTS].line, f"and {more:,} faults more; mend these first")
            found = [*found[:MOST_FAULTS], rest]
        raise CityFaults(found)
    return policy


class _Reader:
    def __init__(self, file: str, city: City, faults: Faults) -> None:
        self.file = file
        self.city = city
        self.faults = faults
        self.values: Mapping[str, Mapping[str, str]] = {
            "category": {
                **{slug: category.label_id for slug, category in city.categories.items()},
                **_plain(sorted(WITHOUT_CATEGORY)),
            },
            "category_from": _plain(get_args(CategoryFrom)),
            "agency": {slug: agency.name for slug, agency in city.agencies.items()},
            "urgency": _plain(get_args(Urgency)),
            "ward_can_handle": _plain(get_args(YesNo)),
            "place": _plain(get_args(PlaceKind)),
            "kota": self.units(*CITY_LEVELS),
            "kecamatan": self.units("kecamatan"),
            "ward": self.units("kelurahan"),
            "hours": _plain(get_args(HoursKind)),
        }
        """What each fact may be, with the name that people have for it."""
        self.targets: Mapping[str, Mapping[str, str]] = {
            "branch": self.values["agency"],
            "agency": self.values["agency"],
            "unit": {code: info.name for code, info in city.units.items()},
            "triage": _plain(("ward", "kecamatan")),
        }
        """What each kind of target may be of."""
        self.facts = (*self.values, "app", "source", "attributes", WORDS, *_EXCEPTIONS)
        self.names: dict[str, int] = {}
        self.asked = 0

    def units(self, *levels: str) -> Mapping[str, str]:
        return {code: info.name for code, info in sorted(self.city.units.items()) if info.level in levels}

    def policy(self, raw: bytes) -> Policy | None:
        text = self.text(raw)
        entry = parse_yaml(self.file, text, self.faults) if text is not None else None
        if entry is None:
            return None
        taken = WITHOUT_CATEGORY & self.city.categories.keys()
        if taken:
            entry.fault(f"the city has a category {', '.join(sorted(taken))}, which in a policy means none of its own; rename it")
        record = entry.as_record("the policy", ("name", "rules"), ("also",))
        name = self.name(record["name"], "the policy's name") if "name" in record else None
        rules = list(self.rules(record["rules"])) if "rules" in record else []
        notices = list(self.notices(record["also"])) if "also" in record and self.asked <= MOST_ASKED else []
        if self.faults.found or name is None:
            return None
        check(self.file, self.city, rules, notices, self.faults)
        return Policy(version_of(name, raw), tuple(rules), tuple(notices), raw)

    def text(self, raw: bytes) -> str | None:
        if len(raw) > MOST_BYTES:
            self.faults.add(self.file, 1, f"has {len(raw):,} bytes; a policy has at most {MOST_BYTES:,}")
            return None
        if raw.startswith(b"\xef\xbb\xbf"):
            self.faults.add(self.file, 1, "starts with a byte order mark; save it as UTF-8 without one")
            return None
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            self.faults.add(self.file, line, f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8")
            return None

    def items(self, entry: Entry, what: str, none: str | None = None) -> list[Entry]:
        """The entries of a list. `none`: what is wrong where there is none, if that is wrong."""
        items = entry.as_list(what)
        if none is not None and entry.is_list and not items:
            entry.fault(none)
        if len(items) > MOST_RULES:
            entry.fault(f"{what} has {len(items):,} entries; at most {MOST_RULES:,} can be checked")
            return []
        return items

    def rules(self, entry: Entry) -> Iterator[Rule]:
        for item in self.items(entry, "rules", "rules must name at least one rule; the first that matches decides"):
            rule = self.rule(item)
            if self.is_too_much(item, rule.name if rule is not None else None):
                return
            if rule is not None:
                yield rule

    def is_too_much(self, entry: Entry, name: str | None) -> bool:
        """Whether the policy asks for more than can be checked, from that rule or notice on."""
        if self.asked > MOST_ASKED:
            entry.fault(
                f"the policy is too long to be checked from {name or 'here'} on: its rules and notices ask for more than "
                f"{MOST_ASKED:,} words and other values, each counted as often as it is asked for; ask for fewer, or in fewer rules"
            )
        return self.asked > MOST_ASKED

    def rule(self, entry: Entry) -> Rule | None:
        record = entry.as_record("a rule", ("rule", "to", "why"), ("when", "as"))
        name = self.own_name(record["rule"], "rule", entry) if "rule" in record else None
        conditions = tuple(self.conditions(record["when"])) if "when" in record else ()
        target = self.target(record["to"]) if "to" in record else None
        counted_as = self.counted_as(record["as"], conditions, target) if "as" in record else None
        why = self.words(record["why"]) if "why" in record else None
        if name is None or target is None or why is None:
            return None
        return Rule(name, entry.line, conditions, target, counted_as, why)

    def counted_as(self, entry: Entry, conditions: Iterable[Condition], target: Target | None) -> str | None:
        """The category that a rule gives to complaints without a known one. No rule may take a known one away."""
        category = entry.as_text("as")
        if category is not None and category not in self.city.categories:
            hint = self.hint(category, {slug: one.label_id for slug, one in self.city.categories.items()})
            entry.fault(f"as: category {_short(category)} is unknown{hint}")
        if target is not None and target.kind == "triage":
            entry.fault("as: counts nothing at a triage, where a person names the category; leave it out")
        elif not any(one.fact == "category" and one.values <= WITHOUT_CATEGORY for one in conditions):
            asked = ", ".join(sorted(WITHOUT_CATEGORY))
            entry.fault(f"as: is for complaints without a known category; have the rule ask for these alone: category: [{asked}]")
        return category

    def notices(self, entry: Entry) -> Iterator[Notice]:
        for item in self.items(entry, "also"):
            record = item.as_record("a notice", ("notice", "to", "why"), ("when", "urgency"))
            name = self.own_name(record["notice"], "notice", item) if "notice" in record else None
            conditions = tuple(self.conditions(record["when"])) if "when" in record else ()
            targets = tuple(self.told(record["to"])) if "to" in record else ()
            why = self.words(record["why"]) if "why" in record else None
            urgency = self.urgency(record["urgency"]) if "urgency" in record else None
            if self.is_too_much(item, name):
                return
            if name is not None and why is not None:
                yield Notice(name, item.line, conditions, targets, why, urgency)

    def urgency(self, entry: Entry) -> Urgency | None:
        text, known = entry.as_text("urgency"), self.values["urgency"]
        if text is not None and text not in known:
            entry.fault(f"urgency: {_short(text)} is unknown{self.hint(text, known)}")
        return cast("Urgency", text) if text in known else None

    def told(self, entry: Entry) -> Iterator[Target]:
        found: dict[Target, int] = {}
        items = entry.as_list("to") if entry.is_list else [entry]
        self.asked += len(items)
        if not items:
            entry.fault("to names nobody; a notice tells one unit at least")
        for item in items:
            target = self.target(item)
            if target is None:
                continue
            if target.kind == "triage":
                item.fault("to: a notice can't go to triage; nothing is asked of whom it tells")
            elif target in found:
                item.fault(f"to names the same twice, first on line {found[target]}; keep one")
            else:
                found[target] = item.line
                yield target

    def own_name(self, entry: Entry, kind: str, whole: Entry) -> str | None:
        """The name of a rule or notice, which no other may bear."""
        name = self.name(entry, f"a {kind}'s name")
        if name is not None and name in self.names:
            whole.fault(f"{kind} {name} is given twice, first on line {self.names[name]}; give each a name of its own")
        elif name is not None:
            self.names[name] = whole.line
        return name

    def name(self, entry: Entry, what: str) -> str | None:
        text = entry.as_text(what)
        if text is not None and not is_name(text):
            entry.fault(f"{what} must be small letters and digits, parted by -, {_LONGEST_SHOWN} at most, not {_short(text)!r}")
            return None
        return text

    def conditions(self, entry: Entry) -> Iterator[Condition]:
        if entry.is_empty:
            entry.fault("when must name a condition; leave it out for a rule that always matches")
            return
        table = entry.as_table("when")
        for fact, (line, wanted) in table.items():
            if fact == "attributes":
                yield from self.attributes(wanted)
            elif fact == WORDS:
                words = frozenset(phrase for _, phrase in self.phrases(wanted, fact))
                yield Condition(fact, words, self.but_not(table, words))
            elif fact in _EXCEPTIONS:
                if WORDS not in table:
                    self.faults.add(entry.file, line, f"{fact} says where words don't count, and no words are asked for")
            elif fact in {"app", "source"}:
                yield Condition(fact, frozenset(folded(text) for _, text in self.texts(wanted, fact)))
            elif fact in self.values:
                yield Condition(fact, frozenset(self.known(wanted, fact)))
            else:
                self.faults.add(entry.file, line, f"condition {_short(fact)} is unknown; known are {', '.join(self.facts)}")

    def texts(self, wanted: Entry, fact: str) -> list[tuple[Entry, str]]:
        """A value, or the values of a list, each with its place; none where too much is asked for already."""
        if self.asked > MOST_ASKED:
            return []
        if wanted.is_empty and not wanted.is_text:
            wanted.fault(f"{fact} names no value{'; leave it out' if fact in _EXCEPTIONS else ', so the rule can never match'}")
            return []
        found = (
            [(wanted, fact)]
            if wanted.is_text
            else [(item, f"a value of {fact}") for item in wanted.as_list(f"{fact} (a value, or several)")]
        )
        self.asked += len(found)
        return [(item, text) for item, what in found if (text := item.as_text(what if item.is_text else fact)) is not None]

    def known(self, wanted: Entry, fact: str) -> Iterator[str]:
        values = self.values[fact]
        for item, text in self.texts(wanted, fact):
            if text not in values:
                item.fault(f"{fact}: {_short(text)} is unknown{self.hint(text, values)}")
            yield text

    def attributes(self, wanted: Entry) -> Iterator[Condition]:
        if wanted.is_empty:
            wanted.fault("attributes must name a key and its values, as `korban: [ya, ada]`")
            return
        for key, (line, values) in wanted.as_table("attributes").items():
            if not re.fullmatch(ATTRIBUTE_KEY, key):
                self.faults.add(
                    wanted.file, line, f"attribute {_short(key)!r} can't be a key; keys are small letters, digits, _, . and -"
                )
                continue
            texts = self.texts(values, f"{ATTRIBUTE}{key}")
            yield Condition(f"{ATTRIBUTE}{key}", frozenset(folded(text) for _, text in texts))

    def phrases(self, wanted: Entry, fact: str) -> Iterator[tuple[Entry, str]]:
        for item, text in self.texts(wanted, fact):
            try:
                phrases = phrases_of(text)
            except TooManyError:
                item.fault(f"{fact}: {_short(text)!r} means more than {MOST_WAYS} phrases; part it")
                continue
            if not phrases or not phrases[0].replace(GAP, "").strip():
                item.fault(f"{fact}: {_short(text)!r} has no letter or digit in it")
                continue
            if sign := _SIGN_WITHIN.search(text.replace(GAP, " ")):
                item.fault(f"{fact}: {_short(text)!r} can't be found: no phrase reaches over a {sign[1]!r}; write a list")
                continue
            words = phrases[0].removesuffix(f" {GAP}" if fact == BUT_NOT_AFTER else "").split()
            if fact == BUT_NOT_AFTER and GAP in words:
                item.fault(f"{fact}: {_short(text)!r} has a {GAP} elsewhere than at its end")
            elif GAP in {words[0], words[-1]} or words.count(GAP) > MOST_GAPS:
                item.fault(f"{fact}: {_short(text)!r} must have {GAP} between words only, and {MOST_GAPS} at most")
            elif len(words) > MOST_LONG:
                item.fault(f"{fact}: {_short(text)!r} has {len(words):,} words in a row; at most {MOST_LONG} can be asked for")
            else:
                self.asked += len(phrases) * len(words) - 1
                if self.asked > MOST_ASKED:
                    return
                yield from ((item, phrase) for phrase in phrases)

    def but_not(self, table: Mapping[str, tuple[int, Entry]], words: frozenset[str]) -> Exceptions:
        """Where the words beside them don't count; each must be of some use."""
        after = self.once(table[BUT_NOT_AFTER][1], BUT_NOT_AFTER) if BUT_NOT_AFTER in table else {}
        within = self.once(table[BUT_NOT_IN][1], BUT_NOT_IN) if BUT_NOT_IN in table else {}
        for phrase, item in after.items():
            enough = says_already(after, phrase)
            if enough is not None:
                item.fault(f"{BUT_NOT_AFTER}: {_short(phrase)} changes nothing beside {_short(enough)}")
        inside = _holding(held({part for word in words for part in parts_of(word)}, within))
        nested = _holding(held(within, within))
        feared = _holding(held({phrase.removesuffix(f" {GAP}") for phrase in after}, within))
        for phrase, item in within.items():
            others = {one for one in nested[phrase] if one != phrase and stands_in(one, phrase)}
            before = {one for base in feared.get(phrase, ()) for one in (base, f"{base} {GAP}") if one in after}
            if phrase in words:
                item.fault(f"{BUT_NOT_IN}: {_short(phrase)} is one of the words itself, which then never counts")
            elif phrase not in inside:
                item.fault(f"{BUT_NOT_IN}: {_short(phrase)} holds none of the words, so it changes nothing")
            elif (others or before) and Wanted(inside[phrase], Exceptions(frozenset(others), frozenset(before))).never_in(phrase):
                beside = ", ".join(sorted(others | before))
                item.fault(f"{BUT_NOT_IN}: {_short(phrase)} changes nothing beside {_short(beside)}")
        return Exceptions(frozenset(within), frozenset(after))

    def once(self, wanted: Entry, fact: str) -> dict[str, Entry]:
        """The phrases of a list, each with its place; none may stand there twice."""
        found: dict[str, Entry] = {}
        for item, phrase in self.phrases(wanted, fact):
            if phrase in found:
                item.fault(f"{fact}: {_short(phrase)} is given twice, first on line {found[phrase].line}; keep one")
            else:
                found[phrase] = item
        return found

    def target(self, entry: Entry) -> Target | None:
        if entry.is_text:
            kind = entry.as_text("to")
            if kind in get_args(TargetKind) and kind != "unit":
                return Target(cast("TargetKind", kind))
            if kind is not None:
                entry.fault(f"to: {_short(kind)} is unknown; it must be {_TARGETS}")
            return None
        table = entry.as_table("to")
        if len(table) != 1:
            entry.fault(f"to must be {_TARGETS}")
            return None
        ((kind, (line, value)),) = table.items()
        known = self.targets.get(kind)
        if known is None:
            self.faults.add(entry.file, line, f"to: {_short(kind)} is unknown; it must be {_TARGETS}")
            return None
        of = value.as_text(kind)
        if of is not None and of not in known:
            what = {"unit": "unit", "triage": "desk"}.get(kind, "agency")
            value.fault(f"to: {what} {_short(of)} is unknown{self.hint(of, known)}")
        elif kind == "unit" and of == self.city.triage_unit.code:
            value.fault(f"to: unit {of} is the triage desk; write to: triage")
        return Target(cast("TargetKind", kind), of) if of in known else None

    def hint(self, value: str, known: Mapping[str, str]) -> str:
        """What may be meant, or what there is where that is little. Not for faults that nobody will see: looking for it takes long."""
        if len(self.faults.found) >= MOST_FAULTS:
            return ""
        meant = _like(value, known)
        if meant is not None:
            return f"; did you mean {meant}?"
        return f"; known are {', '.join(known)}" if len(known) <= _FEW else ""

    def words(self, entry: Entry) -> Words | None:
        record = entry.as_record("why", ("id", "en"))
        said = {language: " ".join((each.as_text(f"{language} of why") or "").split()) for language, each in record.items()}
        for language, text in said.items():
            if len(text) > MOST_WHY:
                record[language].fault(f"{language} of why has {len(text):,} characters; a clause has at most {MOST_WHY}")
                return None
        return Words(id=said["id"], en=said["en"]) if said.get("id") and said.get("en") else None


def _plain(values: Iterable[str]) -> Mapping[str, str]:
    """Values that have no other name."""
    return {value: value for value in values}


def _holding(held: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """For each phrase that holds others, these."""
    found: dict[str, list[str]] = {}
    for one, holding in held.items():
        for phrase in holding:
            found.setdefault(phrase, []).append(one)
    return found


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def _like(value: str, known: Mapping[str, str]) -> str | None:
    """The known value that is meant: it, or its name, differs only in case and marks, in what stands before, or by a slip."""
    key = _squashed(value)
    if not key or len(key) > _LONGEST_SHOWN:
        return None
    written: dict[str, str] = {}
    for one, name in known.items():
        written.setdefault(_squashed(one), one)
        written.setdefault(_squashed(name), one)
    if key in written:
        return written[key]
    # People leave out what every name begins with: Jakarta Pusat is Kota Administrasi Jakarta Pusat.
    ending = {one for text, one in written.items() if text.endswith(key)} if len(key) >= _SHORTEST_LIKE else set()
    if len(ending) == 1:
        return ending.pop()
    # A code that is wrong by a digit is another unit's, not a slip.
    close = get_close_matches(key, written, 1, _LIKE_FROM) if not key.isdigit() else []
    return written[close[0]] if close else None


def _squashed(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
