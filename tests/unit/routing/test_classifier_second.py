"""What the parts of the evidence for a second subject are worth."""

from itertools import product
from math import exp, log
from random import Random

import pytest

from services.routing.classifier.second import MOST_OWN, MOST_WORDS, TETHER, Evidence, Worth, learn


def share(worth, evidence):
    return 1 / (1 + exp(-worth.nats(evidence)))


def test_what_goes_with_second_subjects_speaks_for_them():
    strong, weak = Evidence(5.0, 0.9, True, 4, True), Evidence(0.5, 0.2, False, 1, False)
    worth = learn([(strong, True), (weak, False)] * 20, 0.4)
    assert worth.least == 0.4
    assert share(worth, strong) > 0.9
    assert share(worth, weak) < 0.1
    assert worth.own > 0 > worth.start


def test_it_comes_as_true_as_what_was_seen():
    one, other = Evidence(0.0, 0.5, False, 3, False), Evidence(0.0, 0.5, True, 3, False)
    worth = learn([(one, True)] * 100 + [(one, False)] * 300 + [(other, True)] * 300 + [(other, False)] * 100, 0.4)
    assert share(worth, one) == pytest.approx(0.25, abs=0.01)
    assert share(worth, other) == pytest.approx(0.75, abs=0.01)


def test_in_a_short_text_less_evidence_does():
    seen = [
        (Evidence(own, 0.7, False, 2, short), own > (2.0 if short else 6.0))
        for own in (1.0, 3.0, 5.0, 7.0)
        for short in (True, False)
    ]
    worth = learn(seen * 20, 0.4)
    assert share(worth, Evidence(4.5, 0.7, False, 2, True)) > 0.6
    assert share(worth, Evidence(4.5, 0.7, False, 2, False)) < 0.4


def test_nothing_seen_says_nothing():
    worth = learn([], 0.4)
    assert (worth.start, worth.own, worth.share, worth.also, worth.words, worth.short) == (0, 0, 0, 0, 0, 0)


def test_the_same_candidates_teach_the_same_in_any_order():
    seen = [(Evidence(at % 7, at % 10 / 10, at % 3 == 0, at % 5, at % 2 == 0), at % 4 == 0) for at in range(60)]
    assert learn(seen, 0.4) == learn(seen[::-1], 0.4)


def test_more_than_the_most_says_no_more():
    worth = learn([(Evidence(5.0, 0.9, True, 4, True), True), (Evidence(0.5, 0.2, False, 1, False), False)] * 20, 0.4)
    assert worth.nats(Evidence(MOST_OWN, 0.9, True, MOST_WORDS, False)) == worth.nats(Evidence(99.0, 0.9, True, 99, False))
    assert worth.nats(Evidence(MOST_OWN - 1, 0.9, True, MOST_WORDS, False)) < worth.nats(
        Evidence(MOST_OWN, 0.9, True, MOST_WORDS, False)
    )


def penalised(worth, seen):
    """What is minimised, told from its definition: the log loss, and half the prior's precision times each worth squared."""
    parts = (worth.start, worth.own, worth.share, worth.also, worth.words, worth.short)
    loss = -sum(log(share(worth, one) if true else 1 - share(worth, one)) for one, true in seen)
    return loss + TETHER / 2 * sum(part * part for part in parts)


def test_what_is_learned_is_likelier_than_anything_beside_it():
    random = Random(36)
    seen = [
        (
            one := Evidence(
                random.uniform(0, 14), random.random(), random.random() < 0.3, random.randrange(1, 10), random.random() < 0.3
            ),
            random.random() < 1 / (1 + exp(4 - 0.3 * min(one.own, 10) - 2 * one.share - one.also - one.short)),
        )
        for _ in range(300)
    ]
    worth = learn(seen, 0.4)
    best = penalised(worth, seen)
    names = [name for name in Worth.model_fields if name != "least"]
    for name, by in product(names, (-0.1, 0.1)):
        assert penalised(worth.model_copy(update={name: getattr(worth, name) + by}), seen) > best
