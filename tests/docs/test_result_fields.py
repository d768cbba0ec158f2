"""The page on result.json's fields has what a real run writes, and nothing else."""

import json
import re
from pathlib import Path

import pytest

from tests.jobs import composed, overrides_in
from unlearnleak.config.objective import NUMBERS
from unlearnleak.pipeline.job import run_job
from unlearnleak.runs.status import RESULT

PAGE = Path(__file__).parents[2] / "docs" / "result.md"


def told() -> set[str]:
    """The fields that the page names, one for each stage where it says STAGE."""
    text = PAGE.read_text()
    stages = re.findall(r"`(\w+)`", text.split("STAGE stands for")[1].split(".")[0])
    rows = re.findall(r"^\| (`[^|]+`) \|", text, re.M)
    names = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert len(names) == len(set(names)), "each once"
    return {name.replace("STAGE", stage) for name in names for stage in stages}


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> dict[str, object]:
    """The fields of small runs: classes are forgotten, a part of one, with a defence, fine-tuned; images recovered."""
    folder = tmp_path_factory.mktemp("fields")
    fields: dict[str, object] = {}
    jobs = {
        "class": ["attack=head_sum"],
        "sample": ["attack=head_sum", "forget_share=0.5"],
        "defended": ["attack=head_sum", "defense=weight_noise"],
        "evaluated": ["attack=head_sum", "evaluation=distance"],
        "weaker": ["attack=aux_confidence", "auxiliary.classes=[0,1,2]"],
        "tuned": ["attack=gradient_matching", "finetuning.samples=16"],
    }
    for name, words in jobs.items():
        config = composed(*overrides_in(folder, "unlearner=ft", *words))
        run_job(config, folder / name, sweep=False)
        fields |= json.loads((folder / name / RESULT).read_text())
    return fields


def test_every_field_of_a_result_is_described(written):
    assert set(written) - told() == set()


def test_what_is_described_is_in_a_result(written):
    assert told() - set(written) == set()


def test_what_a_search_can_go_by_is_described():
    assert set(NUMBERS) - told() == set()
