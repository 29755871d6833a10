"""What tests of the policy share: complaints as a policy sees them, every kind of them, and policies as text."""

from itertools import product

from services.routing.policy.check import whats, wheres
from services.routing.policy.policy import ATTRIBUTE, NONE, WORDS, Facts, Policy, Sent
from tanggap.contracts.city import City
from tests.support.routing import RECEIVED, submitted

WHY = "why: {id: karena, en: because}"
LAST = f"""
  - rule: rest
    to: triage
    {WHY}
"""
NO_RULE_ASKS = "nothing that any rule asks for"


def rule(name="one", to="ward", when=None, more="", why=WHY):
    """A rule of four to six lines."""
    lines = [
        f"  - rule: {name}",
        *([f"    when: {when}"] if when else []),
        f"    to: {to}",
        *([f"    {more}"] if more else []),
        f"    {why}",
    ]
    return "\n".join(lines)


def notice(name="told", to="{agency: gulkarmat}", when=None, why=WHY):
    """An entry of `also`."""
    return rule(name, to, when, why=why).replace("- rule:", "- notice:")


def policy(*rules, last=LAST, also=()):
    """A policy; its last rule sends the rest to triage."""
    told = "also:\n" + "\n".join(also) + "\n" if also else ""
    return "name: test-1\nrules:\n" + "\n".join(rules) + last + told


def sent(city: City, words, hours="office", app="jaki", source=NONE, attributes=None) -> Sent:
    """What was sent with a complaint, by the values that rules ask for."""
    received = RECEIVED if hours == "office" else RECEIVED.replace(hour=20)
    given = None if source == NONE else source
    return Sent(city, submitted(words=words, received_at=received, app=app, source=given, attributes=attributes))


def some_wheres(city: City):
    """Everywhere that a complaint may be, but of each kota only its first two kecamatan with two wards each."""
    found, seen = [], {}
    for one in wheres(city):
        of = seen.setdefault((one.place, one.kota), {})
        count = of.get(one.kecamatan, 0)
        if (one.kecamatan in of or len(of) < 2) and count < 2:
            of[one.kecamatan] = count + 1
            found.append(one)
    return found


def every_facts(city: City, policy: Policy):
    """Every kind of complaint that this policy can tell apart, but for its words: none of those asked for, or one alone.

    Of words that the same rules and notices ask for one is taken.

    Wards are picked as `some_wheres` does; a policy that names one must be tried otherwise.
    """
    free = {}
    asking = {}
    for condition in (condition for one in (*policy.rules, *policy.notices) for condition in one.conditions):
        if condition.fact == WORDS:
            for word in sorted(condition.values):
                asking.setdefault(word, []).append(condition)
        elif condition.fact in {"app", "source"} or condition.fact.startswith(ATTRIBUTE):
            free.setdefault(condition.fact, {NO_RULE_ASKS, NONE}).update(condition.values)
    words = {tuple(conditions): word for word, conditions in asking.items()}
    for hours, said, *values in product(("office", "off"), (NO_RULE_ASKS, *words.values()), *free.values()):
        given = dict(zip(free, values, strict=True))
        attributes = {
            fact.removeprefix(ATTRIBUTE): value for fact, value in given.items() if fact.startswith(ATTRIBUTE) and value != NONE
        }
        one = sent(city, said, hours, given.get("app", "jaki"), given.get("source", NONE), attributes)
        for what, where in product(whats(city), some_wheres(city)):
            yield Facts(*what, *where, one)
