"""Batches, epochs and alerts for tests of what follows from an alert, and stories in which several go on at once."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    AlertRaised,
    AlertResolved,
    BatchCompleted,
    GateEvaluated,
    GradientsMeasured,
    LayerGradients,
    Payload,
    ProbesConfigured,
    StageChanged,
)
from tests.samples import episode_ended, episode_started, epoch_completed

__all__ = ["batch", "configured", "gate", "gradients", "happenings", "raised", "resolved", "stage", "told"]


def batch(number: int = 0, loss: float = 1.0, **more: Any) -> BatchCompleted:
    """A batch, with seeds' norms and leakage if asked for."""
    figures: dict[str, Any] = {"accuracy": 50.0, "host_grad_norm": 1.0, "seed_grad_norms": {}} | more
    return BatchCompleted(batch=number, loss=loss, **figures)


def raised(alert: str = "loss_spike", severity: str = "warning", subject: str | None = "loss") -> AlertRaised:
    """An alert, as far as its followers look at it."""
    return AlertRaised(alert=alert, severity=severity, subject=subject, clause="jump", what=f"{alert} of {subject}")


def resolved(
    alert: str = "loss_spike",
    severity: str = "warning",
    subject: str | None = "loss",
    env: int | None = 0,
    clause: str = "recovered",
) -> AlertResolved:
    """The end of `raised`, in group "ppo"."""
    return AlertResolved(
        alert=alert,
        severity=severity,
        subject=subject,
        group="ppo",
        env=env,
        episode=0,
        epoch=1,
        observations=1,
        clause=clause,
    )


def gate(passed: bool = False, slot: str = "early", name: str = "G2") -> GateEvaluated:
    """A gate that was asked."""
    return GateEvaluated(
        slot=slot,
        seed="s",
        blueprint="norm",
        gate=name,
        target_stage="BLENDING",
        passed=passed,
        checks=[],
        reason="no gain",
    )


def stage(slot: str = "early", to: str = "BLENDING") -> StageChanged:
    """A slot that enters a stage."""
    return StageChanged(slot=slot, from_stage="TRAINING", to_stage=to, epochs_in_stage=1, alpha=0.0)


def gradients(batch: int = 0, **norms: float) -> GradientsMeasured:
    """The gradients of some layers."""
    layers = {
        name: LayerGradients(elements=4, norm=norm, mean=0.0, percentiles={}, non_finite=0)
        for name, norm in norms.items()
    }
    return GradientsMeasured(batch=batch, layers=layers, slot_norms={}, seed_to_host={})


def configured(**config: Any) -> ProbesConfigured:
    """What probes are going to do."""
    return ProbesConfigured(
        profile="standard",
        config=config,
        history_length=10,
        vanishing_threshold=1e-7,
        exploding_threshold=1e3,
        layers=[],
        slots=[],
        classes=[],
        features={},
    )


def told(payloads: Iterable[Payload | tuple[Payload, dict[str, Any]]], **where: Any) -> list[Event[Any]]:
    """Events a second apart, in group "ppo", environment 0, episode 0 and epoch 1 unless a payload says otherwise.

    An alert has the number of the event before it, as what is derived has.
    """
    events: list[Event[Any]] = []
    for item in payloads:
        payload, own = item if isinstance(item, tuple) else (item, {})
        scope = Scope(**{"run": "test", "group": "ppo", "env": 0, "episode": 0, "epoch": 1, **where, **own})
        seq = events[-1].seq if events else 0
        derived = type(payload).derived
        events.append(Event(seq if derived else seq + 1, float(len(events)), scope, payload, int(derived)))
    return events


_SUBJECTS = st.sampled_from(("loss", "early"))
_HAPPENINGS = st.one_of(
    st.builds(batch, st.integers(0, 9)),
    st.builds(batch, st.integers(0, 9)),
    st.builds(
        raised, st.sampled_from(("loss_spike", "non_finite")), st.sampled_from(("warning", "critical")), _SUBJECTS
    ),
    st.builds(raised, st.sampled_from(("gate_failure", "stage_transition")), st.just("info"), _SUBJECTS),
    st.builds(resolved),
    st.builds(gate, st.booleans()),
    st.builds(stage),
    st.builds(gradients, host=st.floats(0, 9)),
    st.builds(epoch_completed, st.just(50.0)),
    st.builds(episode_started),
    st.builds(episode_ended),
)


@st.composite
def happenings(draw: st.DrawFn, env: int = 0) -> list[Event[Any]]:
    """Anything that may go on in one environment, in any order."""
    episode, items = 0, []
    for payload in draw(st.lists(_HAPPENINGS, max_size=60)):
        episode += type(payload).kind == "episode_started"
        own = replace(payload, env=env) if isinstance(payload, AlertResolved) else payload
        items.append((own, {"env": env, "episode": episode}))
    return told(items)
