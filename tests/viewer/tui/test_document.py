"""Long sentences are broken between words, and nothing of them is lost."""

from hypothesis import given
from hypothesis import strategies as st

from viewer.model.visible import visible
from viewer.tui.document import words


def test_french_punctuation_stays_with_its_word() -> None:
    """No line begins with a colon or ends with an opening quotation mark."""
    text = "ce qui a décidé : l’environnement « utilisateur Harmony » ; est-ce sûr ?"
    for width in range(20, 60):
        lines = list(words(text, width))
        assert all(line[0] not in ":;!?»" and line[-1] != "«" for line in lines)
        assert " ".join(lines) == text


@given(st.text(), st.integers(1, 40))
def test_lines_have_the_width_and_all_the_words(text: str, width: int) -> None:
    """Whatever the text, no line is longer than asked, and every character but space is there."""
    lines = list(words(text, width))
    assert all(len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == visible(text).replace(" ", "")
