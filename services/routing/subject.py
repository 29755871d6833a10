"""What a complaint is about: the category that its app named, else the one that its own words name. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.routing.classifier.classifier import OTHER, Classifier, Guess
from services.routing.places import Said
from services.routing.policy.policy import CategoryFrom
from tanggap.contracts.city import City
from tanggap.contracts.events import ComplaintSubmitted, whole_percent

CONTRADICTS_FROM: Final = 0.8
"""So sure the words must be of another category before the app's is said to be a likely mistake. A judgement: the app's user chose."""
STILL_LIKELY: Final = 0.1
"""The app's category is not contradicted where the words give it so much; and another one so likely is told as an alternative."""
NAMES_FROM: Final = 0.2
"""So likely the best category must be for words to have named one at all: where its likeliest guess is wrong oftener than four times in
five, it would mislead who reads it. Texts of a set are hardly ever so unsure (the first bin of `tanggap classifier check`); those that
greet, ask for help and name no subject are."""

EMERGENCY_FROM: Final = 0.5
"""So likely an emergency must be by the words for those to be told who are told of one, whatever category counts. A judgement: a call
for nothing costs less than one that is not made. A second subject has little share beside a first and is told of in any case: it is
named only where it is likely one."""


@dataclass(slots=True)  # frozen, it would take longer to make for every complaint
class Subject:
    """What a complaint is about.

    `category`: as the app wrote it, else the slug that the words name; None where neither does. `confidence` and `words`: of the
    category by its words, None and empty where the app named it. `others`: slugs that it may be instead or as well, the likelier
    first, but an emergency before all; `second`: a subject of the text besides the one that counts. `conflict`: that the words
    contradict the app, as a sentence. `emergencies`: slugs of emergencies that the words speak of though another category, or none,
    counts; `spoken`: how likely the first of them is by the words. `read`: whether the words were asked.
    """

    category: str | None
    category_from: CategoryFrom
    confidence: float | None = None
    words: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    second: str | None = None
    conflict: Said | None = None
    emergencies: tuple[str, ...] = ()
    spoken: float | None = None
    read: bool = False


def name_subject(
    submitted: ComplaintSubmitted, city: City, classifier: Classifier | None, tokens: list[str] | None = None
) -> Subject:
    """What the complaint is about. Total. Without a `classifier` it is what the app says.

    `tokens`: the description's own (`tokens_of`), where whoever asks has read it already.
    """
    named = _as_the_city_writes(submitted.category, city)
    if classifier is None:
        return Subject(named, "none" if named is None else "app")
    guess = classifier.classify(submitted.description, tokens)
    if len(guess.likely) == 1 and named == guess.likely[0][0] and guess.second is None:  # as of most that an app names
        return Subject(named, "app", None, (), (), None, None, (), None, True)  # noqa: FBT003
    second = guess.second if guess.second is not None and guess.second in city.categories else None
    if named is None or (named == OTHER and guess.category != OTHER and guess.category in city.categories):
        # "Other" is what an app says whose user found nothing that fits, or did not look: words that are sure know better.
        return _by_words(guess, second, city)
    conflict = None
    if second is not None and second == named:
        # The app named one of the text's two subjects: that contradicts nothing, and the other one is the first.
        best = guess.likely[0][0]
        second = best if best in city.categories else None
    elif named in city.categories:
        conflict = _conflict(named, guess, city)
    emergencies = _emergencies(guess, second, named, city)
    if conflict is not None or named not in city.categories or (named == OTHER and _names(guess)):
        others = _others(guess, second, named, city)
    else:  # where the app is not contradicted, only a second subject is worth telling, and what others are told of
        others = (second,) if second is not None and second != named else ()
    # By place: names take longer, and every complaint waits for this.
    if not emergencies:
        return Subject(named, "app", None, (), others, second, conflict, (), None, True)  # noqa: FBT003
    others = (*emergencies, *[slug for slug in others if slug not in emergencies])
    return Subject(named, "app", None, (), others, second, conflict, emergencies, share_of(guess, emergencies[0]), True)  # noqa: FBT003


def _as_the_city_writes(named: str | None, city: City) -> str | None:
    """The app's category as the city spells it, where that is one that it has by any name."""
    return named if named is None or named in city.categories else city.category_called(named) or named


def _names(guess: Guess) -> bool:
    """Whether the words name a category at all, be it unsurely: not where they are unknown, or say nearly nothing."""
    return bool(guess.words) and guess.confidence >= NAMES_FROM


def _by_words(guess: Guess, second: str | None, city: City) -> Subject:
    if not _names(guess):
        # The text names no category, rather than one that is not sure.
        return Subject(None, "none", read=True)
    category = guess.category if guess.category in city.categories else None
    others = _others(guess, second, guess.category, city)
    emergencies = _emergencies(guess, second, category, city)
    spoken = share_of(guess, emergencies[0]) if emergencies else None
    return Subject(category, "text", guess.confidence, guess.words, others, second, None, emergencies, spoken, True)  # noqa: FBT003


def _others(guess: Guess, second: str | None, counts: str | None, city: City) -> tuple[str, ...]:
    """What else the text may be about, besides the category that counts."""
    if len(guess.likely) == 1 and guess.likely[0][0] == counts and second is None:  # so most are
        return ()
    others = [slug for slug, share in guess.likely if share >= STILL_LIKELY and slug != counts and slug in city.categories]
    if second is not None and second != counts and second not in others:
        others.append(second)
    return tuple(others)


def _emergencies(guess: Guess, second: str | None, counts: str | None, city: City) -> tuple[str, ...]:
    """What is an emergency of the likeliest, and of the two subjects of a text, besides the category that counts."""
    found: tuple[str, ...] = ()
    for slug, share in guess.likely:
        if share < EMERGENCY_FROM:
            break
        if slug != counts and _is_emergency(slug, city):
            found = (*found, slug)
    if second is not None and second != counts and second not in found and _is_emergency(second, city):
        found = (*found, second)
    return found


def _is_emergency(slug: str, city: City) -> bool:
    category = city.categories.get(slug)
    return category is not None and category.urgency == "emergency"


def share_of(guess: Guess, slug: str) -> float:
    """How likely an emergency is by the words, as one of the likeliest or as a second subject."""
    share = next((share for known, share in guess.likely if known == slug), 0.0)
    return max(share, guess.second_confidence or 0.0) if slug == guess.second else share


def _conflict(named: str, guess: Guess, city: City) -> Said | None:
    # Below the classifier's threshold too: a contradiction is told beside the decision and changes none.
    best = guess.likely[0][0]
    if best == named or best not in city.categories or guess.confidence < CONTRADICTS_FROM:
        return None
    for slug, share in guess.likely:
        if slug == named and share >= STILL_LIKELY:
            return None
    app, text = city.categories[named], city.categories[best]
    return Said(
        id=f"Aplikasi menyebut kategori {app.label_id}, tetapi isi laporan lebih menunjuk ke {text.label_id} "
        f"(keyakinan {whole_percent(guess.confidence)}%).",
        en=f"The app named the category {app.label_en}, but the report's text rather speaks of {text.label_en} "
        f"(confidence {whole_percent(guess.confidence)}%).",
    )
