"""Two networks in one scope are said once; one after the other, apart, or the same one twice are nobody's fault."""

import logging
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from nissa.pipeline.probes.watch import Watch
from nissa.pipeline.telemetry import Telemetry

IMAGES, LABELS = torch.ones(4, 3), torch.zeros(4, dtype=torch.long)


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    with Telemetry("shared", config="minimal") as made:
        yield made


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 2))


def look(*watches: Watch, times: int = 3) -> None:
    for _ in range(times):
        for watch in watches:
            watch.epoch(IMAGES, LABELS)


def told(telemetry: Telemetry) -> int:
    return telemetry.state().faults.get("watch", 0)


def test_two_networks_that_look_in_turn_are_told_once_and_what_to_do_is_said(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    env = telemetry.scope(group="ppo", env=0, episode=3)
    with caplog.at_level(logging.WARNING, "nissa"):
        look(Watch(telemetry, network(), emitter=env), Watch(telemetry, network(), emitter=env))
    # The first look of either is the first of its kind; each of the other four finds the other network before it.
    assert told(telemetry) == 4
    (record,) = caplog.records
    error = str(record.exc_info[1]) if record.exc_info else ""
    assert "(run shared, group ppo, env 0, episode 3)" in error
    assert 'emitter=telemetry.scope(group="critic")' in error


def test_scopes_of_their_own_keep_two_networks_apart(telemetry: Telemetry) -> None:
    scopes = telemetry.scope(), telemetry.scope(group="critic"), telemetry.scope(env=1)
    look(*(Watch(telemetry, network(), emitter=scope) for scope in scopes))
    assert told(telemetry) == 0


@pytest.mark.parametrize("scoped", [True, False])
def test_a_watch_made_anew_for_the_next_episode_is_no_second_network(telemetry: Telemetry, scoped: bool) -> None:
    """Also where no episode is told, and all watches live on."""
    kept = []
    for episode in range(3):
        emitter = telemetry.scope(env=0, episode=episode if scoped else None)
        kept.append(Watch(telemetry, network(), emitter=emitter))
        look(kept[-1])
    assert told(telemetry) == 0


def test_environments_of_one_thread_that_take_turns_are_apart_in_each_episode(telemetry: Telemetry) -> None:
    for episode in range(2):
        scopes = [telemetry.scope(env=env, episode=episode) for env in range(3)]
        look(*(Watch(telemetry, network(), emitter=scope) for scope in scopes))
    assert told(telemetry) == 0


def test_networks_of_two_episodes_of_one_environment_are_apart(telemetry: Telemetry) -> None:
    look(*(Watch(telemetry, network(), emitter=telemetry.scope(env=0, episode=episode)) for episode in range(2)))
    assert told(telemetry) == 0


def test_the_same_network_may_be_watched_twice_and_another_run_is_another_scope(telemetry: Telemetry) -> None:
    model = network()
    look(Watch(telemetry, model), Watch(telemetry, nn.DataParallel(model)))
    assert told(telemetry) == 0
    with Telemetry("other", config="minimal") as other:
        look(Watch(telemetry, network()), Watch(other, network()))
        assert (told(telemetry), told(other)) == (0, 0)


def test_a_watch_that_is_gone_is_no_rival(telemetry: Telemetry) -> None:
    first = Watch(telemetry, network())
    look(first)
    look(Watch(telemetry, network()))
    look(first)
    assert told(telemetry) == 0
