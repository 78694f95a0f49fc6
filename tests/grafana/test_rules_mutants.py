"""The stories are good enough to notice a rule with one thing wrong, whichever thing it is."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.grafana.mutants import mutants
from tests.grafana.promtool import judge
from tests.grafana.rules import RULES
from tests.grafana.stories import STORIES
from tests.grafana.story import Story

pytestmark = [
    pytest.mark.deep,
    pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool on this machine: apt-get install prometheus"),
]

Rule = dict[str, Any]

SOUND = {
    "nissa_run_ended_timestamp_seconds[7200s]": "an end that is remembered for longer ends nothing that came after it",
    "nissa_run_started_timestamp_seconds[7200s]": "a start that is remembered for longer was before an end that is not",
    "nissa_batches_total[60s]": "what spiked is forgotten before the alert has waited for that",
    "nissa_batches_total[240s]": "what spiked is forgotten before",
    '{outcome="failed"}[1800s]': "a failure is told of for a quarter of an hour, however long it is remembered",
    "time() - 900 and last_over_time(nissa_run_last_event_timestamp_seconds[1800s])": "so is that it was alive",
}
"""What a rule may say as well, and why."""


def rules_of(alert: str) -> list[Rule]:
    """The alert, after the recorded rules that it uses, and those that they use."""
    chain: list[Rule] = []
    for rule in reversed(RULES):
        used = "record" in rule and any(rule["record"] in later["expr"] for later in chain)
        if used or rule.get("alert") == alert:
            chain.insert(0, rule)
    return chain


def missed(rule: Rule, wrong: list[Rule], stories: Sequence[Story], directory: Path) -> list[Rule]:
    """Mutants with which no story of an alert that depends on the rule goes wrong."""
    for story in stories:
        sound = rules_of(story.alert)
        asked = [
            ([{"name": "some", "rules": [mutant if one is rule else one for one in sound]}], story) for mutant in wrong
        ]
        wrong = [mutant for mutant, complaint in zip(wrong, judge(directory, asked), strict=True) if not complaint]
        if not wrong:
            break
    return wrong


@pytest.mark.parametrize("rule", RULES, ids=[rule.get("alert") or rule["record"] for rule in RULES])
def test_a_rule_with_one_thing_wrong_is_noticed(rule: Rule, tmp_path: Path) -> None:
    stories = [story for story in STORIES if rule in rules_of(story.alert)]
    judged = [mutant for mutant in mutants(rule) if not any(text in mutant["expr"] for text in SOUND)]
    assert stories
    assert judged
    assert missed(rule, judged, sorted(stories, key=cost), tmp_path) == []


def cost(story: Story) -> float:
    """How often the rules are judged in a story."""
    return max(story.silent + story.fires) / story.step
