"""Runs and episodes: how they were set up, that they are alive, and how they ended."""

from dataclasses import field
from typing import Any

from nissa.events.kind import Importance, Payload, kind
from nissa.events.machine import MachineState, TelemetryCost
from nissa.events.pipeline import PipelineState
from nissa.events.units import Bytes, Count, Flops, Loss, Percent, Ratio, Reward, Seconds

__all__ = [
    "EpisodeEnded",
    "EpisodeStarted",
    "EventsDropped",
    "Heartbeat",
    "HostAloneTrained",
    "HostBaselineEpoch",
    "HostBaselineMeasured",
    "RunEnded",
    "RunResumed",
    "RunStarted",
]


@kind(Importance.LIFECYCLE)
class RunStarted(Payload):
    """The run's part of the EpisodeContext: what it takes to run the same program again, and to know that it is."""

    git_commit: str | None = None
    """Commit of the trainer's repository, with "-dirty" if files differ from it; None outside of git."""
    base_seed: int | None = None
    """The seed that all others are derived from."""
    rng_digests: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the state of each global generator (python, numpy, torch) at the start, in hex."""
    versions: dict[str, str] = field(default_factory=dict)
    """Versions of Python and of the libraries that the numbers depend on."""
    hardware: dict[str, str] = field(default_factory=dict)
    """Machine, system, cores, accelerator."""
    numerics: dict[str, str] = field(default_factory=dict)
    """What changes results with the same versions: instructions of the CPU, threads, switches of determinism and
    precision, and variables of the environment that set such; empty if not told."""
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    """Every setting of the trainer, by name."""
    task_type: str | None = None
    """"classification", "lm", or the trainer's own name of its task."""
    n_envs: Count | None = None
    """Environments that run side by side, over all groups."""
    n_episodes: Count | None = None
    """Episodes planned for each environment, if known."""
    max_epochs: Count | None = None
    """Host epochs of an episode."""
    host_architecture: str | None = None
    """Name of the host network, such as "cnn_3block"; None if not told."""
    host_params: Count | None = None
    """Trainable parameters of the host, without seeds; None if not told."""
    slot_config: dict[str, int | None] = field(default_factory=dict)
    """Slots from the input to the output, with their channels (or width); None where that is not told."""
    data_digest: str | None = None
    """SHA-256 of what is trained and validated on, in hex; None if not told."""
    job: str | None = None
    """The job of several processes that train one network, as `torchrun` starts them; None for a process alone."""
    rank: Count | None = None
    """Which of the job's processes this is, from 0; None for a process alone, and for the job itself."""
    world_size: Count | None = None
    """Processes of the job; None for a process alone."""


@kind(Importance.LIFECYCLE)
class RunResumed(Payload):
    """Another process goes on with the run, in the same directory: the one before it ended, or was killed."""

    last_seq: Count | None = None
    """Number of the last event that the log held; None if it held none."""
    torn: Bytes
    """Bytes of a last line that was never finished, and was cut off."""
    process: Count
    """Number of the process on its machine (pid)."""
    versions: dict[str, str]
    """Versions of Python and of the libraries that the numbers depend on, now."""
    hardware: dict[str, str]
    """The machine, now."""
    numerics: dict[str, str] = field(default_factory=dict)
    """What changes results with the same versions, now; empty if not told."""
    world_size: Count | None = None
    """Processes of the job; None for a process alone."""


@kind(Importance.LIFECYCLE)
class RunEnded(Payload):
    """The last event of a run that ended; a run without it died."""

    outcome: str
    """"completed", "failed" (an exception left the trainer) or "interrupted" (a signal, Ctrl-C, an early exit)."""
    error: str | None = None
    """What stopped it, where something did."""
    duration: Seconds
    """From the first event to this one."""
    cost: TelemetryCost | None = None
    """What telemetry took, without this end; None where it is not told."""


@kind(Importance.ROUTINE)
class Heartbeat(Payload):
    """The hub is alive, as the run's log shows it: one every few seconds, and one at the end."""

    uptime: Seconds
    """Since the first event of the run."""
    pipeline: PipelineState
    """The pipeline's own numbers at this moment."""
    machine: MachineState | None = None
    """What the trainer's process takes, and its machine's GPUs; None if not told."""
    cost: TelemetryCost | None = None
    """What telemetry took until now; None where it is not told."""


@kind(Importance.LIFECYCLE)
class EventsDropped(Payload):
    """A gap: these were emitted and never got there."""

    place: str
    """"hub", or the name of the sink whose queue was full."""
    dropped: dict[str, int]
    """Events shed since the last such report, by kind."""


@kind(Importance.LIFECYCLE)
class EpisodeStarted(Payload):
    """An episode's part of the EpisodeContext: with the run's, what it takes to train it again."""

    policy: str
    """Who decides: "ppo", "heuristic", "never" or a name of the trainer's own."""
    torch_seed: int | None = None
    """Seed of the host's initialization and of everything drawn from torch in this episode; None if not told."""
    data_seed: int | None = None
    """Seed of the order of the training batches; None if not told."""
    task_type: str | None = None
    """"classification", "lm", or the trainer's own name of its task."""
    max_epochs: Count | None = None
    """Host epochs of an episode."""
    host_architecture: str | None = None
    """Name of the host network; None if not told."""
    host_params: Count | None = None
    """Trainable parameters of the host, without seeds; None if not told."""
    host_flops: Flops | None = None
    """Operations of one forward pass on one sample, host alone, if measured."""
    slot_config: dict[str, int | None] = field(default_factory=dict)
    """Slots from the input to the output, with their channels (or width); None where that is not told."""
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    """Settings of the host's training."""
    initial_digest: str | None = None
    """SHA-256 of the weights that the host starts with, in hex; None if not told."""
    rng_digests: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the state of each generator at the start of the episode, in hex: global ones, and the trainer's own by
    what is drawn from them. The seeds make the states; digests show that they did."""


@kind(Importance.LIFECYCLE)
class EpisodeEnded(Payload):
    """What came of an episode, told of two networks, each accuracy beside the growth of its own.

    `final_*` is the one that was trained, with all its seeds; `kept_*` what remains of it once the seeds that did not
    fossilize are gone.
    """

    outcome: str
    """"completed" or the reason why it stopped early."""
    final_accuracy: Percent | None = None
    """Validation accuracy after the last epoch, of the network as it was trained."""
    final_loss: Loss | None = None
    """Validation loss after the last epoch, of the network as it was trained."""
    final_growth_ratio: Ratio | None = None
    """(host + all seeds present) / host of the network as it was trained; None when a size is not known."""
    kept_accuracy: Percent | None = None
    """Validation accuracy of the network that is kept; None if not measured."""
    kept_loss: Loss | None = None
    """Validation loss of the network that is kept; None if not measured."""
    total_reward: Reward | None = None
    """Sum of the rewards, not discounted."""
    epochs: Count | None = None
    """Host epochs that were trained."""
    growth_ratio: Ratio | None = None
    """(host + fossilized parameters) / host: the growth of the network that is kept; None when the size of one of them
    is not known."""
    germinated: Count | None = None
    """Seeds germinated in this episode."""
    fossilized: Count | None = None
    """Seeds fossilized in this episode."""
    culled: Count | None = None
    """Seeds culled in this episode."""


@kind(Importance.LIFECYCLE)
class HostBaselineMeasured(Payload):
    """The same host, trained alone: same initialization, same data order, no seeds ever.

    Not to be mixed up with switching seeds off in a network that was trained with them, which is an ablation.
    """

    initial_loss: Loss | None = None
    """Validation loss before the first epoch."""
    initial_accuracy: Percent | None = None
    """Validation accuracy before the first epoch."""
    final_loss: Loss | None = None
    """Validation loss of the host-only twin after `epochs`."""
    final_accuracy: Percent | None = None
    """Validation accuracy of the host-only twin after `epochs`."""
    epochs: Count
    """Epochs that the twin was trained."""
    host_params: Count | None = None
    """Trainable parameters of the host, without seeds; None if not told."""
    initial_checkpoint: str | None = None
    """Path of the initial weights, relative to the run directory, if they were kept."""
    initial_checkpoint_sha256: str | None = None
    """SHA-256 of that file, in hex: whether it is still the one that training began with."""


@kind(Importance.LIFECYCLE)
class HostAloneTrained(Payload):
    """A host of another width, trained alone from the seed and the data order of its environment.

    With the twin, which is the host itself, it says how large a network must be that never grows, for an accuracy.
    """

    width: Ratio
    """Channels of each layer by those of the host that is grown."""
    host_params: Count
    """Trainable parameters of the host, without seeds; None if not told."""
    epochs: Count
    """Epochs for which the host of that width was trained."""
    final_loss: Loss | None = None
    """Validation loss of the host of that width after `epochs`."""
    final_accuracy: Percent
    """Validation accuracy of the host of that width after `epochs`."""


@kind(Importance.ROUTINE)
class HostBaselineEpoch(Payload):
    """The host-only twin after an epoch of its own: scope `epoch`, from 1, and no episode, for it stands beside all.

    With `host_baseline_measured`, which tells of epoch 0 too, it is the curve that an episode is compared with.
    """

    train_loss: Loss | None = None
    """Mean training loss of the epoch."""
    train_accuracy: Percent | None = None
    """Training accuracy of the epoch."""
    val_loss: Loss | None = None
    """Validation loss after the epoch."""
    val_accuracy: Percent | None = None
    """Validation accuracy after the epoch."""
