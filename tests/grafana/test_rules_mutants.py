"""The stories are good enough to notice a rule with one thing wrong, whichever thing it is."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.grafana.mutants import mutants
from tests.grafana.promtool import judge
from tests.grafana.rules import RULES
from tests.grafana.stories import STORIES
from tests.grafana.story import Story

pytestmark = pytest.mark.skipif(
    not shutil.which("promtool"), reason="no promtool on this machine: apt-get install prometheus"
)


SOUND = {
    "nissa_run_ended_timestamp_seconds[7200s]": "an end that is remembered for longer ends nothing that came after it",
    "nissa_run_started_timestamp_seconds[7200s]": "a start that is remembered for longer was before an end that is not",
    "nissa_batches_total[60s]": "what spiked is forgotten before the alert has waited for that",
    "nissa_batches_total[240s]": "what spiked is forgotten before",
    '{outcome="failed"}[1800s]': "a failure is told of for a quarter of an hour, however long it is remembered",
    "time() - 900 and last_over_time(nissa_run_last_event_timestamp_seconds[1800s])": "so is that it was alive",
}
"""What a rule may say as well, and why."""


def rules_of(alert: str) -> list[dict[str, Any]]:
    """The alert, after the recorded rules that it uses, and those that they use."""
    chain: list[dict[str, Any]] = []
    for rule in reversed(RULES):
        used = "record" in rule and any(rule["record"] in later["expr"] for later in chain)
        if used or rule.get("alert") == alert:
            chain.insert(0, rule)
    return chain


def found(rule: dict[str, Any], mutant: dict[str, Any], stories: list[Story], directory: Path) -> bool:
    """Whether a story of an alert that depends on the rule goes wrong with the mutant in its place."""
    for story in stories:
        wrong = [mutant if one is rule else one for one in rules_of(story.alert)]
        if judge(directory, {"groups": [{"name": "some", "rules": wrong}]}, story):
            # What noticed one mutant of a rule is likely to notice the next.
            stories.insert(0, stories.pop(stories.index(story)))
            return True
    return False


@pytest.mark.parametrize("rule", RULES, ids=[rule.get("alert") or rule["record"] for rule in RULES])
def test_a_rule_with_one_thing_wrong_is_noticed(rule: dict[str, Any], tmp_path: Path) -> None:
    stories = [story for story in STORIES if rule in rules_of(story.alert)]
    judged = [mutant for mutant in mutants(rule) if not any(text in mutant["expr"] for text in SOUND)]
    assert stories
    assert judged
    assert [mutant for mutant in judged if not found(rule, mutant, stories, tmp_path)] == []
