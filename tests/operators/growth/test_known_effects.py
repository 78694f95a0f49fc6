"""Seeds whose effects are known, in a training that only pretends: does the table find them?

The host's accuracy rises along a curve of its own in each environment. A seed adds the effect of its blueprint, a
little different in each environment, from the epoch in which it germinates. Each validation has noise of its own;
that of the twin is shared by all seeds of its environment, as in a real training.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from nissa.events.event import Event, Scope
from nissa.events.kinds import EpochCompleted, HostBaselineEpoch, SeedCulled, SeedFossilized, SeedGerminated
from nissa.operators.growth.blueprints import blueprint_stats
from tests.operators.test_contract import folded

EFFECTS = {"norm": -1.0, "depthwise": 1.0, "attention": 3.0}
"""In the order in which a policy that knows no better grows them: the worst while the host learns fastest."""
NAMES = list(EFFECTS)
ENVS, EPISODES, LIFE = 8, 2, 5
EPOCHS = LIFE * len(EFFECTS)
NOISE, SPREAD = 0.7, 0.3
"""Of one validation, and of an effect from environment to environment; percentage points."""
RUNS, SEED = 2000, 0
"""The generator's seed is the first that was tried."""


def told(payload: Any, env: int, episode: int | None, epoch: int) -> Event[Any]:
    return Event(0, 0.0, Scope("run", "stub", env, episode, epoch), payload)


def training(random: np.random.Generator) -> Iterator[Event[Any]]:
    """All that one run tells."""
    for env in range(ENVS):
        host = 60 + random.uniform(-5, 5) + 30 * (1 - np.exp(-np.arange(EPOCHS + 1) / random.uniform(4, 6)))
        effects = {name: effect + SPREAD * random.standard_normal() for name, effect in EFFECTS.items()}
        twin = host + NOISE * random.standard_normal(EPOCHS + 1)
        for epoch in range(EPOCHS + 1):
            yield told(HostBaselineEpoch(val_accuracy=float(twin[epoch])), env, None, epoch)
        for episode in range(EPISODES):
            yield from grown(random, env, episode, host, effects)


def grown(
    random: np.random.Generator, env: int, episode: int, host: Any, effects: dict[str, float]
) -> Iterator[Event[Any]]:
    """An episode: one seed of each blueprint, one after the other, with an epoch between. Half of them stay."""
    noise, added, accuracy, stays = NOISE * random.standard_normal(EPOCHS + 1), 0.0, 0.0, (env + episode) % 2 == 0
    for epoch in range(1, EPOCHS + 1):
        name, age = NAMES[(epoch - 1) // LIFE], (epoch - 1) % LIFE
        before, now = accuracy, added + (effects[name] if age else 0.0)
        accuracy = float(host[epoch] + now + noise[epoch])
        seed: dict[str, Any] = {"slot": name, "seed": f"{env}-{episode}-{name}"}
        if age == 1:
            born = before
            yield told(SeedGerminated(blueprint=name, params=1, **seed), env, episode, epoch)
        yield told(EpochCompleted(val_loss=1.0, val_accuracy=accuracy), env, episode, epoch)
        if age == LIFE - 1:
            added += effects[name] if stays else 0.0
            seed |= {"improvement": accuracy - born, "epochs_total": age}
            end = SeedFossilized(params_added=1, **seed) if stays else None
            yield told(end or SeedCulled(reason="", initiator="policy", **seed), env, episode, epoch)


def order(values: dict[str, float]) -> list[str]:
    return sorted(values, key=values.__getitem__)


@pytest.mark.deep
def test_net_gain_finds_the_order_and_its_interval_the_truth_where_the_old_column_finds_neither() -> None:
    random, fold = np.random.default_rng(SEED), blueprint_stats()
    covered, right = Counter[str](), Counter[str]()
    for _ in range(RUNS):
        _, rows = folded(fold, training(random))
        last: dict[str, Any] = {row.blueprint: row for row in rows}  # type: ignore[attr-defined]
        for name, effect in EFFECTS.items():
            covered[name] += last[name].net_gain_low <= effect <= last[name].net_gain_high
        for column in ("net_gain_mean", "acc_delta_mean"):
            right[column] += order({name: getattr(row, column) for name, row in last.items()}) == order(EFFECTS)
    shares = {name: covered[name] / RUNS for name in EFFECTS}
    assert all(0.93 <= share <= 0.97 for share in shares.values()), shares
    assert right["net_gain_mean"] >= 0.99 * RUNS, right
    assert right["acc_delta_mean"] == 0, right
