"""Every event kind, every field and every metric is fed by the demo, a training that goes wrong, or a foreign log.

A part that no run reaches is a part that nothing calls: what is null, zero, empty or absent in all of these fails.
"""

import math
import threading
import time
import typing
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    KINDS,
    Action,
    ActivationsMeasured,
    BatchCompleted,
    DecisionMade,
    EpisodeEnded,
    GpuState,
    GradientsMeasured,
    Heartbeat,
    HostAloneTrained,
    HostBaselineEpoch,
    HostBaselineMeasured,
    LayerActivations,
    LayerGradients,
    LayerWeights,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    StepTimed,
    WeightsMeasured,
)
from nissa.pipeline.cluster_watch import JobManager, Watchdog
from nissa.pipeline.config.profiles import load
from nissa.pipeline.emitter import Emitter
from nissa.pipeline.hub.hub import Hub
from nissa.pipeline.probes import Watch, counterfactual_measured
from nissa.pipeline.probes.activations import activations_measured, recorded
from nissa.pipeline.probes.gradients import gradients_measured
from nissa.pipeline.probes.model import Draw
from nissa.pipeline.probes.weights import copied, weights_measured
from nissa.pipeline.replay import replay
from nissa.pipeline.sources import UnreadableRunError
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks import Sink
from nissa.sinks.prometheus import ClusterCollector
from nissa.sinks.prometheus.catalog import METRICS
from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.sinks.run_log import segments
from nissa.trainer.faults.injection import Injection
from nissa.trainer.network import slot
from nissa.trainer.policy import ppo
from nissa.trainer.run import Settings, train
from nissa.trainer.training import epoch
from tests.operators.raised import configured
from tests.pipeline.cluster_watch import manager
from tests.samples import episode_ended, episode_started, epoch_completed, policy_updated
from tests.waiting import LIMIT, until


def declared(cls: type[Any], path: str) -> Iterator[str]:
    """Every field of a kind, those of the parts inside it included, as a path."""
    hints = typing.get_type_hints(cls)
    for f in fields(cls):
        here = f"{path}.{f.name}"
        yield here
        for inner in (hints[f.name], *typing.get_args(hints[f.name])):
            if is_dataclass(inner):
                yield from declared(typing.cast("type[Any]", inner), here)


def alive(value: Any, path: str) -> Iterator[str]:
    """The paths inside a value that hold something: neither None nor zero, false or empty."""
    if value or is_dataclass(value):
        yield path
    if is_dataclass(value):
        for f in fields(value):
            yield from alive(getattr(value, f.name), f"{path}.{f.name}")
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            if is_dataclass(item):
                yield from alive(item, path)


class Collected(set[str]):
    """A consumer of events that remembers which paths were ever alive."""

    def __call__(self, event: Event[Any]) -> None:
        self.update(alive(event.payload, event.payload.kind))


class Stalling:
    """A sink on the hub's own thread that blocks it at the first batch."""

    inline = True

    def __init__(self) -> None:
        self.release = threading.Event()

    def __call__(self, event: Event[Any]) -> None:
        if isinstance(event.payload, BatchCompleted):
            self.release.wait()


def refusing(event: Event[Any]) -> None:
    raise ConnectionError("nobody there")


def leaking(x: Tensor, seed: Callable[[Tensor], Tensor]) -> slot.Isolated:
    """Isolation without the detach that makes it one, and with a little of the seed in the host."""
    correction = seed(x)
    term = correction - 0.99 * correction.detach()
    return slot.Isolated(x + term, term, (~correction.isfinite()).sum())


def scaled(scale: float) -> Callable[[Tensor, Tensor], Tensor]:
    """A loss as in mixed precision whose scale runs away."""
    return lambda logits, labels: cross_entropy(logits, labels) * scale


def choking_once(chores: Callable[[Hub], None]) -> Callable[[Hub], None]:
    """The hub's chores, which fail the first time."""
    errors = [MemoryError("no room for the account")]

    def do(hub: Hub) -> None:
        if errors:
            raise errors.pop()
        chores(hub)

    return do


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sink refuses, the hub dies and stalls, isolation leaks, the policy leaps, and the trainer raises."""
    out, stalling = tmp_path_factory.mktemp("faulty") / "run", Stalling()
    sinks: dict[str, Sink] = {"stalling": stalling, "refusing": refusing}
    with pytest.MonkeyPatch.context() as patch, pytest.raises(RuntimeError, match="on purpose"):
        patch.setattr(ppo, "LEARNING_RATE", 1.0)
        patch.setattr(slot, "isolated", leaking)
        patch.setattr(Hub, "_tell_drops", choking_once(Hub._tell_drops))
        with Telemetry("faulty", out=out, sinks=sinks, capacity=300, config="research") as telemetry:
            train_with_faults(telemetry, stalling, out, patch)
    return out


def train_with_faults(telemetry: Telemetry, stalling: Stalling, out: Path, patch: pytest.MonkeyPatch) -> None:
    lost = telemetry.scope(group="lost", env=7, episode=0, epoch=1)
    lost.emit(SeedCulled(slot="early", reason="lost", initiator="policy", epochs_total=1))
    lost.emit(SeedFossilized(slot="early", seed="s", params_added=1, epochs_total=1))
    lost.emit(None)  # type: ignore[arg-type]
    for env in (0, 1):
        grow(telemetry.scope(group="by hand", env=env), gain=20.0 + env)
        grow(telemetry.scope(group="by the other hand", env=env), gain=10.0 + env)
    telemetry.scope(group="by hand").emit(replace(policy_updated(ratio_max=90.0), update=7))
    switch(telemetry.scope(group="by hand", env=2, episode=0, epoch=1))
    train(Settings(policy="ppo", envs=1, episodes=2, epochs=20, seed=7), telemetry, out)
    stalling.release.set()
    until(lambda: not telemetry.state().queued)
    train(Settings(policy="ppo", envs=1, episodes=1, epochs=10, seed=7), telemetry, out)
    train(Settings(policy="heuristic", envs=1, episodes=1, epochs=45, seed=7), telemetry, out)
    for scale in (1e30, math.inf):
        patch.setattr(epoch, "cross_entropy", scaled(scale))
        train(Settings(policy="never", envs=1, episodes=1, epochs=1, seed=7), telemetry, out)
    raise RuntimeError("on purpose")


def grow(env: Emitter, gain: float) -> None:
    """An episode whose seeds are worth so many points, and cost accuracy when they are culled: no training is so sure.

    The twin does not learn at all; a host of twice the width is as accurate as the best of these.
    """
    env.emit(HostBaselineMeasured(initial_accuracy=50.0, final_accuracy=50.0, epochs=2, host_params=1000))
    env.emit(HostAloneTrained(width=2.0, host_params=4000, epochs=2, final_loss=0.5, final_accuracy=71.0))
    for at in (1, 2):
        env.move(epoch=at)
        env.emit(HostBaselineEpoch(val_accuracy=50.0))
    env.move(episode=0, epoch=0)
    env.emit(episode_started())
    env.move(epoch=1)
    env.emit(epoch_completed(50.0))
    for seed in ("early", "late"):
        env.emit(SeedGerminated(slot=seed, seed=seed, blueprint="norm", params=10))
    env.move(epoch=2)
    env.emit(epoch_completed(50.0 + gain, total_seed_params=20))
    env.emit(SeedFossilized(slot="early", seed="early", improvement=gain, params_added=10, epochs_total=1))
    env.emit(
        SeedCulled(
            slot="late",
            seed="late",
            improvement=gain,
            accuracy_before=50.0 + gain,
            accuracy_after=50.0,
            reason="by hand",
            initiator="policy",
            epochs_total=1,
        )
    )
    env.emit(replace(episode_ended(), kept_accuracy=50.0 + gain, epochs=2, germinated=2, fossilized=1, culled=1))


def die(env: Emitter) -> None:
    """A policy without a choice, and a loss that rises while half of a layer is dead: no training here is so poor."""
    env.emit(episode_started())
    dead = LayerActivations(units=4, mean=0.0, std=0.0, zero=0.5, dead=2, dormant=0.5, non_finite=0)
    for batch in range(60):
        env.emit(BatchCompleted(batch=batch, loss=50.0 if batch == 50 else 1.0 + 0.01 * (batch % 5)))
        if batch % 10 == 5:
            env.emit(ActivationsMeasured(samples=8, layers={"host.fc": dead}))
    env.emit(epoch_completed(50.0))
    env.emit(DecisionMade(action=Action(op="WAIT"), masked=True))
    env.emit(episode_ended())


def switch(env: Emitter) -> None:
    """Seven seeds, more than are measured in all configurations: whole, and with one result twice and one gone."""
    shares, images, labels = dict[str, float](), torch.eye(7), torch.arange(7)
    told = counterfactual_measured(
        {f"s{place}": 1.0 for place in range(7)}, shares.update, lambda: [(images * sum(shares.values()), labels)]
    )
    assert told is not None
    env.emit(told)
    env.emit(replace(told, results=[told.results[0], *told.results[:-1]]))


@pytest.fixture(scope="session")
def injected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fidelity follows two faults, a loss spike that passes and a NaN that stays, while a seed in isolation leaks.

    The NaN reaches the seed, too, which puts out nothing else then. And once more without a leak: a seed that leaks is
    never blended in, and one that is blended in may be the cause of an alert.
    """
    out = tmp_path_factory.mktemp("injected") / "run"
    spike, nan = Injection("loss_spike", 0, 0, 20), Injection("nan", 0, 0, 33)
    how: dict[str, Any] = {"policy": "heuristic", "envs": 1, "episodes": 1, "epochs": 45, "seed": 0}
    with Telemetry("injected", out=out, config=load("standard", overrides=["mode=adaptive"])) as telemetry:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(slot, "isolated", leaking)
            train(Settings(**how, injections=(spike, nan)), telemetry)
        train(Settings(**how, injections=(replace(spike, epoch=25),)), telemetry)
        die(telemetry.scope(group="by hand", env=3, episode=0, epoch=1))
        stack(telemetry)
    return out


def stack(telemetry: Telemetry) -> None:
    """A network so deep and wide that its layers are told as one, and a sample stands for their elements."""
    how = load("research", overrides=["gradients.groups=depth", "gradients.sample=4096"])
    emitter = telemetry.scope(group="deep", env=0, episode=0, epoch=1)
    torch.manual_seed(0)
    model = torch.nn.Sequential(*(block for _ in range(3) for block in (torch.nn.Linear(600, 600), torch.nn.ReLU())))
    x = torch.randn(64, 600)
    model(x).square().sum().backward()
    parts, draw = {"host": model}, Draw.of(how.gradients.sample, 0)
    before = copied(parts, draw)
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    with torch.no_grad(), recorded(parts) as outputs:
        next(model[0].parameters()).fill_(-1.0)
        model(x)
    emitter.emit(gradients_measured(parts, how.gradients, batch=1))
    emitter.emit(weights_measured(parts, before, how.gradients.groups))
    emitter.emit(activations_measured(outputs, 0.2, how.gradients.groups))


@pytest.fixture(scope="session")
def resumed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose last line is torn, and that goes on; with a collector, and more CPU and bytes than were asked for."""
    out = tmp_path_factory.mktemp("resumed") / "run"
    for _ in range(2):
        with Telemetry("resumed", out=out, resume=True, collector="process") as telemetry:
            telemetry.emit(configured(overhead=1e-9, log_bytes_per_step=1))
            telemetry.scope().stepped()
            telemetry.scope().attempt("look", burn, 0.1)
            burn(0.2)
            telemetry._hub.account()
            assert telemetry.flush(LIMIT)
        with segments(out)[-1].open("ab") as file:
            file.write(b"torn")
    return out


@pytest.fixture(scope="session")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job of two ranks, side by side in one process; the second one is slow, passes a step over, and falls behind.
    In the end it goes on once more."""
    out = tmp_path_factory.mktemp("job")
    ranks = [as_rank(rank, out) for rank in (0, 1)]
    for rank, telemetry in enumerate(ranks):
        rank_by_hand(telemetry, rank)
    for telemetry in reversed(ranks):
        telemetry.close()
    until(lambda: has_ended(out / "job"))
    as_rank(1, out, resume=True).close()
    return out


def as_rank(rank: int, out: Path, *, resume: bool = False) -> Telemetry:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RANK", str(rank))
        patch.setenv("WORLD_SIZE", "2")
        return Telemetry("job", out=out, resume=resume)


def has_ended(run: Path) -> bool:
    """Whether it told its end; False where its first line is not there yet."""
    with suppress(UnreadableRunError):
        return "run_ended" in replay(run).reading.by_kind
    return False


def rank_by_hand(telemetry: Telemetry, rank: int) -> None:
    """A few steps that are looked at, and then such as no two processes without a network of their own would tell."""
    env, model = telemetry.scope(group="ppo", env=1, episode=1, epoch=1), torch.nn.Linear(1, 1)
    watch = Watch(telemetry, model, emitter=env)
    for batch, inputs in enumerate(watch.loading([torch.ones(4, 1)] * 3)):
        model(inputs).sum().backward()
        watch.step()
        env.emit(BatchCompleted(batch=batch, loss=2.0 - rank))
    env.move(epoch=2)
    for batch in range(1, 13):
        own_seconds = 0.05 if rank else 0.01
        env.emit(StepTimed(batch=batch, seconds=0.06, own_seconds=own_seconds, loading=0.006, samples=4))
        share = GradientsMeasured(batch=batch, layers={}, host_norm=1.0, slot_norms={}, seed_to_host={}, norm_share=1.0)
        env.emit(share)
        if not (rank and batch == 4):
            env.emit(BatchCompleted(batch=batch, loss=1.0 + rank))
    env.emit(BatchCompleted(batch=4, loss=1.0))
    if not rank:
        env.emit(BatchCompleted(batch=14, loss=1.0))
    later = telemetry.scope(group="ppo", env=2)
    for seconds in range(0, 100, 5):
        later.relay(BatchCompleted(batch=seconds, loss=1.0), later.scope, time.time() + seconds, None)


def burn(seconds: float) -> None:
    """A training, as far as the clock of its process sees it."""
    began = time.process_time()
    while time.process_time() - began < seconds:
        pass


AFTER_THE_END = {"heartbeat.pipeline.refused"}
"""It counts what comes after the last heartbeat; the last test here feeds it."""
ON_A_GPU = {f"memory_measured.{name}" for name in ("allocated", "allocated_peak", "reserved")}
ON_A_GPU |= {"heartbeat.machine.gpus", *declared(GpuState, "heartbeat.machine.gpus")}
METRICS_ON_A_GPU = {f"nissa_memory_{name}_bytes" for name in ("allocated", "allocated_peak", "reserved")}
METRICS_ON_A_GPU |= {f"nissa_gpu_{name}" for name in ("busy_ratio", "memory_bytes", "memory_used_bytes", "power_watts")}
"""What only a machine with CUDA can feed."""


@pytest.fixture(scope="session")
def fed(demo: Path, faulty: Path, injected: Path, resumed: Path, job: Path) -> list[Path]:
    return [demo, faulty, injected, resumed, *job.iterdir()]


def test_every_kind_and_every_field_is_fed(fed: list[Path], root: Path) -> None:
    collected = Collected()
    for run in (*fed, root / "tests/pipeline/sources/esper/esper_excerpt.jsonl"):
        replay(run, [collected])
    expected = {path for name, kind in KINDS.items() for path in [name, *declared(kind, name)]}
    assert sorted(expected - collected - AFTER_THE_END - ON_A_GPU) == []


class Scraped(set[str]):
    """A consumer of events that scrapes a Prometheus sink all along, and remembers which metrics were ever alive."""

    def __init__(self) -> None:
        super().__init__()
        self.sink, self.seen = PrometheusSink(), 0

    def __call__(self, event: Event[Any]) -> None:
        self.sink(event)
        self.seen += 1
        if self.seen % 100 == 0 or isinstance(event.payload, EpisodeEnded | Heartbeat):
            self.scrape()

    def scrape(self) -> None:
        samples = [sample for family in self.sink.collect() for sample in family.samples]
        self.update(base(sample.name) for sample in samples if sample.value and not math.isnan(sample.value))


def test_every_metric_is_fed(fed: list[Path], tmp_path: Path) -> None:
    scraped = Scraped()
    for run in fed:
        replay(run, [scraped])
    unreadable: Any = dict.fromkeys(BatchCompleted.__slots__, "odd")
    scraped.sink(Event(0, 0.0, Scope("odd"), BatchCompleted(**unreadable)))
    scraped.scrape()
    scraped.sink(Event(0, 0.0, Scope("deep"), deep()))
    scraped.sink(Event(0, 0.0, Scope("deep"), WeightsMeasured(layers=DEEP_WEIGHTS)))
    out = LayerActivations(units=1, mean=1.0, std=1.0, zero=0.0, non_finite=0)
    scraped.sink(Event(0, 0.0, Scope("deep"), ActivationsMeasured(samples=1, layers=dict.fromkeys(DEEP_WEIGHTS, out))))
    scraped.scrape()
    crowd(scraped.sink)
    scraped.scrape()
    scraped.update(watched_cluster(tmp_path))
    assert sorted(METRICS.keys() - scraped - METRICS_ON_A_GPU - {"nissa_pipeline_refused_total"}) == []


def watched_cluster(root: Path) -> set[str]:
    """What a watchdog tells of a job that was recorded, one run of which stands still now; as its command serves it."""
    copytree(manager.RECORDED / "progress", root / "out" / "progress")
    (root / "logs" / "run-c").mkdir(parents=True)
    (root / "logs" / "run-c" / "events-000001.jsonl").write_bytes(b"nobody reads this\n")
    answers = manager.recorded()
    answers[f"/jobs/{manager.JOB['jid']}/checkpoints"]["counts"]["failed"] = 2
    answers[f"/jobs/{manager.JOB['jid']}/metrics?get=numRestarts"] = [{"id": "numRestarts", "value": "1"}]
    clock = iter((0.0, 90.0))
    with manager.answering(answers) as url:
        watchdog = Watchdog(root / "logs", root / "out", JobManager(url, manager.JOB["name"]), lambda: next(clock))
        watchdog.look()
        watchdog.look()
    samples = [sample for family in ClusterCollector(watchdog.state).collect() for sample in family.samples]
    return {sample.name for sample in samples if sample.value}


def crowd(sink: PrometheusSink) -> None:
    """More environments than any machine runs."""
    batch = BatchCompleted(batch=0, loss=1.0, accuracy=1.0, host_grad_norm=1.0, seed_grad_norms={})
    for env in range(3_000):
        sink(Event(0, 0.0, Scope("crowd", "ppo", env), batch))


def deep() -> GradientsMeasured:
    """More layers than are shown one by one."""
    row = LayerGradients(elements=1, norm=1.0, mean=0.0, percentiles={}, non_finite=0)
    rows = dict.fromkeys(DEEP_WEIGHTS, row)
    return GradientsMeasured(batch=0, layers=rows, host_norm=1.0, slot_norms={}, seed_to_host={})


DEEP_WEIGHTS = {f"host.{n}": LayerWeights(norm=1.0) for n in range(99)}


def base(sample: str) -> str:
    """The metric that a sample belongs to."""
    return sample if sample in METRICS else sample.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")


def test_what_comes_after_the_end_is_counted_as_refused() -> None:
    """The one field that no log can show, because the log is closed by then."""
    telemetry = Telemetry("run")
    telemetry.close()
    telemetry.emit(BatchCompleted(batch=0, loss=1.0, accuracy=1.0, host_grad_norm=1.0, seed_grad_norms={}))
    sink = PrometheusSink(telemetry.state)
    (family,) = [family for family in sink.collect() if family.name == "nissa_pipeline_refused"]
    assert family.samples[0].value == 1
