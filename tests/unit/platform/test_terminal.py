"""What a terminal is shown of texts that others wrote."""

import pytest

from tanggap.platform.terminal import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Lampu mati, gelap – 90 % “rusak” ٪ 🔥 é", "Lampu mati, gelap – 90 % “rusak” ٪ 🔥 é"),
        ("\x1b[31m", "␛[31m"),
        ("\x1b]0;judul\x07", "␛]0;judul␇"),
        ("a\r\nb\tc\x00", "a␍␊b␉c␀"),
        ("\x7f", "␡"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202eterbalik", "\\u202eterbalik"),
        ("a\u2028b\u200b", "a\\u2028b\\u200b"),
        ("\ud800", "\\ud800"),
        ("a\u00a0b", "a\u00a0b"),
        ("👩\u200d🚒", "👩\u200d🚒"),
    ],
)
def test_a_sign_stands_for_each_character_that_a_terminal_would_obey_or_hide(text, shown):
    assert visible(text) == shown


def test_no_character_is_left_that_moves_the_cursor_or_turns_the_writing():
    everything = "".join(map(chr, (*range(0x3000), *range(0xFE00, 0x10000), *range(0xE0000, 0xE0080))))
    left = visible(everything)
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in left)
    assert not set(left) & set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c\u2028\u2029")
