"""The stories are good enough to notice a rule with one thing wrong, whichever thing it is."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.grafana.mutants import mutants
from tests.grafana.promtool import judge
from tests.grafana.rules import RULES
from tests.grafana.stories import STORIES

pytestmark = pytest.mark.skipif(
    not shutil.which("promtool"), reason="no promtool on this machine: apt-get install prometheus"
)


def rules_of(alert: str) -> list[dict[str, Any]]:
    """The alert, after the recorded rules that it uses, and those that they use."""
    chain: list[dict[str, Any]] = []
    for rule in reversed(RULES):
        used = "record" in rule and any(rule["record"] in later["expr"] for later in chain)
        if used or rule.get("alert") == alert:
            chain.insert(0, rule)
    return chain


def found(rule: dict[str, Any], mutant: dict[str, Any], directory: Path) -> bool:
    """Whether a story of an alert that depends on the rule goes wrong with the mutant in its place."""
    for story in STORIES:
        chain = rules_of(story.alert)
        if rule in chain:
            wrong = [mutant if one is rule else one for one in chain]
            if judge(directory, {"groups": [{"name": "some", "rules": wrong}]}, story):
                return True
    return False


@pytest.mark.parametrize("rule", RULES, ids=[rule.get("alert") or rule["record"] for rule in RULES])
def test_a_rule_with_one_thing_wrong_is_noticed(rule: dict[str, Any], tmp_path: Path) -> None:
    assert not found(rule, rule, tmp_path)
    assert [mutant for mutant in mutants(rule) if not found(rule, mutant, tmp_path)] == []
