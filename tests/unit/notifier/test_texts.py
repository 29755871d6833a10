"""The city's words: every one has its English, and none is left over."""

from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from services.notifier import app
from tanggap.platform import pages
from tests.support.officials import FOLDER

METHODS = [("**.html", "jinja2"), ("**.txt", "jinja2")]
OPTIONS = {"**": {"newstyle_gettext": "true"}}


def used(folder: Path) -> set[str]:
    return {message for _, _, message, _, _ in extract_from_dir(folder, METHODS, OPTIONS)}


def english(folder: Path) -> dict[str, str]:
    with (folder / "en.po").open("rb") as source:
        return {message.id: message.string for message in read_po(source) if message.id}


@pytest.mark.parametrize(
    ("templates", "words"),
    [(app.HERE / "templates", FOLDER / "texts" / "page"), (FOLDER / "texts" / "mail", FOLDER / "texts" / "mail")],
    ids=["page", "mail"],
)
def test_every_word_has_its_english_and_none_is_left_over(templates, words):
    shared = english(Path(pages.__file__).parent / "texts")
    translated = english(words)
    assert used(templates) - shared.keys() == translated.keys() - shared.keys()
    assert all(translated.values())


@pytest.mark.parametrize("name", ["page", "mail"])
def test_a_translation_names_the_same_values(name):
    for indonesian, said in english(FOLDER / "texts" / name).items():
        assert sorted(_values(indonesian)) == sorted(_values(said)), indonesian


def _values(text: str) -> list[str]:
    return [part.partition(")s")[0] for part in text.split("%(")[1:]]
