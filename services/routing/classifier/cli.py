"""`tanggap classifier`: make the city's classifier of its sources, try it on a text, measure how right it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from services.routing.classifier import build as classifier_build
from services.routing.classifier import figures as classifier_figures
from services.routing.classifier.classifier import MODEL, Classifier, ClassifierFault, Guess
from services.routing.classifier.sources import categories_of
from tanggap.contracts import city as cities
from tanggap.contracts.faults import CityFaults, Faults

classifier = typer.Typer(no_args_is_help=True, help="The classifier from a complaint's text to its category.")

CityFolder = Annotated[Path, typer.Option("--city", envvar="TANGGAP_CITY", help="The city's folder.")]
Texts = Annotated[Path, typer.Option("--texts", help="CSV of texts whose category is known: text,category,second.")]

Seconds = Annotated[Path, typer.Option("--seconds", help="CSV of texts of one subject or two: text,category,second.")]

JAKARTA = Path("cities/jakarta")
TEXTS = Path("quality/texts.csv")
SECONDS = Path("quality/two_subjects.csv")


@classifier.callback()
def _about() -> None:
    """The classifier from a complaint's text to its category."""


@classifier.command()
def build(city: CityFolder = JAKARTA, texts: Texts = TEXTS, seconds: Seconds = SECONDS) -> None:
    """Build the classifier from the city's sources and write it there. The same sources make the same bytes.

    It learns from the city's own lexicon, sentences and word statistics, and from the texts; models that learned from four fifths of
    the texts and were asked for the fifth set how sure it is, and from where it decides. The texts of one subject or two set what tells
    a second one.
    """
    try:
        built = classifier_build.build(city, cities.load(city), texts, seconds)
    except CityFaults as faults:
        raise _refusal([str(fault) for fault in faults.faults]) from faults
    classifier_build.write(city, built)
    model = built.model
    typer.echo(f"{city / MODEL}: version {model.version}, {len(model.terms):,} terms, {len(built.text.encode()):,} bytes")
    typer.echo(f"learned from {built.sentences:,} sentences, {built.texts} texts and the lexicon")
    seen = built.crossed.calibration
    typer.echo(
        f"decides from confidence {model.threshold:.2f}; temperature {model.temperature:.2f}, of few words "
        f"{model.few_temperature:.2f}, doubt {model.doubt:.2f}"
    )
    typer.echo("texts left out of what was learned, without the terms that only they and the lexicon have:")
    typer.echo(f"  category right {seen.category_right:.1%}, agency right {seen.agency_right:.1%}, log loss {seen.log_loss:.3f}")
    typer.echo(f"  decides {seen.coverage:.1%}, of which agency right {seen.decided_agency_right:.1%}")


@classifier.command("try")
def try_(
    text: Annotated[str, typer.Argument(help="A complaint's text.", show_default=False)], city: CityFolder = JAKARTA
) -> None:
    """Say what the classifier makes of TEXT."""
    asked = _load(city)
    guess = asked.classify(text)
    typer.echo("\n".join(_told(guess, asked)))


@classifier.command()
def check(
    city: CityFolder = JAKARTA,
    texts: Texts = TEXTS,
    seconds: Seconds = SECONDS,
    *,
    fitted: Annotated[bool, typer.Option("--fitted", help="As it stands, though it may have learned from these texts.")] = False,
) -> None:
    """Measure the city's classifier on texts whose category is known, each asked of a model that has not learned from it. Writes nothing.

    With --fitted: as it stands in the city's folder; for texts that it has not learned from.
    """
    faults = Faults()
    known = classifier_figures.read_texts(texts, faults)
    if faults.found:
        raise _refusal([str(fault) for fault in faults.found])
    try:
        loaded_city = cities.load(city)
        crossed = None if fitted else classifier_build.cross(city, loaded_city, texts, seconds)
    except CityFaults as found:
        raise _refusal([str(fault) for fault in found.faults]) from found
    agencies = categories_of(loaded_city)
    started = time.perf_counter()
    asked = _load(city)
    loaded = time.perf_counter() - started
    figures = classifier_figures.measure(crossed or asked, known, agencies)
    typer.echo(f"version {asked.version}, loaded in {loaded * 1e3:.0f} ms")
    for line in classifier_figures.lines(figures):
        typer.echo(line)
    typer.echo(f"a text takes {_microseconds(asked, [one.text for one in known]):.0f} us")


def _told(guess: Guess, asked: Classifier) -> list[str]:
    decided = guess.category or f"left to triage (below {asked.threshold:.2f})"
    return [
        f"category    {decided}",
        f"confidence  {guess.confidence:.2f}",
        f"likely      {', '.join(f'{category} {probability:.2f}' for category, probability in guess.likely)}",
        f"words       {', '.join(guess.words) or 'none that the model knows'}",
        f"second      {guess.second or 'none'}",
    ]


def _load(city: Path) -> Classifier:
    try:
        return Classifier.load(city)
    except ClassifierFault as fault:
        raise _refusal([str(fault)]) from fault


def _microseconds(asked: Classifier, texts: Sequence[str]) -> float:
    """The mean time of a text, of texts whose words were met before."""
    for text in texts:
        asked.classify(text)
    started = time.perf_counter()
    for text in texts:
        asked.classify(text)
    return (time.perf_counter() - started) / max(len(texts), 1) * 1e6


def _refusal(faults: Sequence[str]) -> typer.Exit:
    for fault in faults:
        typer.echo(fault, err=True)
    return typer.Exit(1)
