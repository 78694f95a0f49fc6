"""Which networks are shown with what their seeds are worth."""

from types import SimpleNamespace
from typing import Any

from nissa.cli.runs.report.page.attributed import _NETWORKS, attribution
from nissa.cli.runs.report.page.elements import tag, text
from nissa.events.event import Scope


def test_a_network_that_was_measured_again_is_among_the_last() -> None:
    told = SimpleNamespace(seeds=[], n_val=None, evaluations=1)
    envs = [*range(_NETWORKS + 1), 0]
    found = [SimpleNamespace(where=Scope("run", env=env, episode=0, epoch=1), attributed=told) for env in envs]
    store: Any = SimpleNamespace(counterfactuals=lambda: found)
    page = text(tag("div", [*attribution(store, [])]))
    assert "Shapley values of env 0 " in page
    assert "Shapley values of env 1 " not in page
