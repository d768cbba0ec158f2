import re
from dataclasses import replace
from html.parser import HTMLParser

from unlearnleak.auditing.showing.page import page

EVIL = "<script>alert(1)</script>\x1b[2J"


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen, self.open = [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in ("meta", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def tags(text):
    parser = Tags()
    parser.feed(text)
    assert parser.open == []
    return parser.seen


def test_the_page_is_whole_and_loads_nothing(leak):
    text = page(leak)
    seen = tags(text)
    assert {"script", "img", "link", "iframe"} & {tag for tag, _ in seen} == set()
    policy = next(each["content"] for tag, each in seen if each.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "http" not in text.replace("http-equiv", "")


def test_the_page_says_the_answer_and_every_attack(leak):
    text = page(leak)
    assert "Class 3 is missing" in text
    for one in leak.attacks:
        assert one.attack in text
    assert len(re.findall(r'class="counts"', text)) == len(leak.counted)


def test_the_page_shows_alarms_by_what_models_had_learnt(leak):
    said = page(leak)
    assert said.count("Alarms on this project's models that forgot nothing</h3>") == 1
    for name in ("well", "noisy", "rare", "fewer", "brief", "again"):
        assert f"<th>{name}</th>" in said


def test_names_of_others_are_no_markup(leak):
    odd = replace(leak, understood=replace(leak.understood, model=EVIL, class_names=(EVIL,) * 10, notes=(EVIL,)))
    text = page(odd)
    assert "<script" not in text
    assert "\x1b" not in text
    assert "&lt;script&gt;" in text
    tags(text)


def test_a_notebook_shows_the_page_in_a_frame_of_its_own(leak):
    ((tag, attributes),) = tags(leak._repr_html_())
    assert tag == "iframe"
    assert attributes["srcdoc"] == page(leak)
    assert attributes["sandbox"] in ("", None)
