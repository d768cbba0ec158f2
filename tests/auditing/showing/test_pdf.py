import re
from dataclasses import replace

from unlearnleak.auditing.showing import pdf as module
from unlearnleak.auditing.showing.pdf import pdf


def letters(result):
    """Every line that the page was given, with its height in inches."""
    found = [(each.get_text(), module.HEIGHT * each.get_position()[1]) for each in module.drawn(result).texts]
    return [(text, height) for text, height in found if text]


def test_it_is_one_page_and_the_same_answer_gives_the_same_bytes(leak):
    content = pdf(leak)
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", content)) == 1
    assert pdf(leak) == content


def test_all_of_it_lies_on_the_page_and_a_line_to_sign_on_below(leak):
    crowded = replace(
        leak,
        answer=("A sentence of some length about a class. " * 12,) * 9,
        trust=("A sentence of some length about trust. " * 12,) * 9,
        digests=dict.fromkeys(("model", "images", "original", "code"), "0" * 64),
        attacks=leak.attacks * 3,
    )
    for result in (leak, crowded):
        found = letters(result)
        assert min(y for _, y in found) > 0.4
        signed = next(y for text, y in found if text == "signature")
        assert all(y > signed for text, y in found if text not in ("date", "name", "signature"))


def test_it_says_the_answer_and_what_it_rests_on(leak):
    said = " ".join(text for text, _ in letters(leak))
    assert "Class 3 is missing" in said
    assert "param_dot / youden" in said
    assert "20/20" in said
    assert "Silence is no proof" in said


def test_letters_are_no_formulas(leak):
    odd = replace(leak, understood=replace(leak.understood, model="$\\frac{x$ \x1b"))
    assert pdf(odd).startswith(b"%PDF-")
    assert any("frac{x" in text and "\x1b" not in text for text, _ in letters(odd))
