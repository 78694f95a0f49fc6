"""What is measured, and where it goes: the configuration of a run, checked where it comes in.

>>> config = TelemetryConfig(gradients={"enabled": True, "layers": ["conv1", "fc"]})
>>> config.gradients.percentiles, config.history_length
([1, 50, 99], 10)
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

__all__ = [
    "AlertsConfig",
    "GradientConfig",
    "LossLandscapeConfig",
    "PerClassConfig",
    "SinksConfig",
    "TelemetryConfig",
    "TracesConfig",
]


def _no_truth(value: Any) -> Any:
    """Python takes True for 1.0; a text such as YAML's "1e-7" stays a number."""
    if isinstance(value, bool):
        raise ValueError("must be a number")  # pydantic turns it into an error of its own
    return value


Number = Annotated[float, BeforeValidator(_no_truth)]
Percentile = Annotated[int, Field(strict=True, ge=0, le=100)]


class _Strict(BaseModel):
    """An unknown key is an error: it is most often a known one, misspelled."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class GradientConfig(_Strict):
    """Gradients by layer, after the last backward pass of a step."""

    enabled: bool = False
    """Whether they are measured at all."""
    every: int = Field(default=10, strict=True, ge=1)
    """Training steps from one measurement to the next."""
    layers: Literal["all"] | Annotated[list[str], Field(min_length=1)] = "all"
    """Layers by name, by the last part of it, or by a pattern ("conv*", "blocks.0.*"). Only these have features, those
    of their weights and activations too."""
    groups: Literal["depth"] | list[str] = []
    """Layers that are told together, by patterns ("blocks.*.attn.qkv"); "depth" takes those whose paths differ in
    numbers alone. Their weights and activations are told so too."""
    sample: int | None = Field(default=None, strict=True, ge=256, le=65_536)
    """Elements that are drawn from each large tensor in place of all of them, for figures with a standard error."""
    track_norm: bool = True
    """The L2 norm of each layer."""
    track_std: bool = True
    """The standard deviation of each layer."""
    percentiles: list[Percentile] = [1, 50, 99]
    """Percentiles of the elements."""
    detect_vanishing: bool = True
    """The share of elements that are vanishing."""
    detect_exploding: bool = True
    """The share of elements that are exploding."""
    vanishing_threshold: Number = Field(default=1e-7, gt=0)
    """Elements below it in magnitude are vanishing."""
    exploding_threshold: Number = Field(default=1e3, gt=0)
    """Elements above it in magnitude are exploding."""
    full_histogram: bool = False
    """The number of elements in each octave of magnitude."""
    seed_features: bool = False
    """Whether the norm of each slot's seed, and its ratio to the host's, are features; measured they are anyway."""

    @model_validator(mode="after")
    def _apart(self) -> "GradientConfig":
        low, high = self.vanishing_threshold, self.exploding_threshold
        if low >= high:
            raise ValueError(f"vanishing_threshold = {low:g} must be below exploding_threshold = {high:g}")
        return self


class LossLandscapeConfig(_Strict):
    """The loss around the weights, on one batch that was not trained on."""

    enabled: bool = False
    """Whether it is explored at all."""
    every: int = Field(default=5, strict=True, ge=1)
    """Epochs from one measurement to the next."""
    perturbation_samples: int = Field(default=5, strict=True, ge=1, le=20)
    """Random directions; each is tried both ways."""
    perturbation_scale: Number = Field(default=0.01, gt=0, lt=1)
    """Size of a step, relative to that of the weights."""
    estimate_sharpness: bool = True
    """Whether the random directions are tried; without them there is only the steepest one."""


class PerClassConfig(_Strict):
    """Each class on the validation batch."""

    enabled: bool = False
    """Whether classes are told apart at all."""
    track_accuracy: bool = True
    """The accuracy of each class."""
    track_loss: bool = False
    """The loss of each class."""
    track_confusion: bool = False
    """Which class is taken for which."""


class AlertsConfig(_Strict):
    """What is out of order in an environment. docs/detectors.md has all the rules."""

    mode: Literal["robust", "ratio"] = "robust"
    """The rule set: "robust" tells a spike from noise, "ratio" is that of the research document."""
    loss_spike_threshold: Number = Field(default=2.0, gt=1)
    """The sensitivity to losses: how many times its level a loss may be whose noise is 17%. Quieter ones may be less,
    noisier ones more. In the mode "ratio": how many times the mean of the last 20 it may be."""
    accuracy_drop_threshold: Number = Field(default=5.0, gt=0, le=100)
    """Points by which a validation accuracy may fall from one epoch to the next."""
    gradient_explosion: Number = Field(default=100.0, gt=1)
    """How many times its typical value the norm of a gradient may be."""
    dormant_share: Number = Field(default=0.5, gt=0, le=1)
    """Share of a layer's units that may be dormant."""
    dormant_measurements: int = Field(default=3, strict=True, ge=1)
    """Measurements in a row with more of them before it is an alert."""
    scalars: list[str] = []
    """Scalars, by name, that are judged as the loss of the batches is: for spikes, drifts and broken values."""
    marks_raise_fidelity: bool = False
    """Whether a new stage and a failed gate make the mode "adaptive" look closely, as alerts do."""


class TracesConfig(_Strict):
    """What is traced. Every alert opens a dense trace, but for those that are switched off here."""

    stage_transition: bool = True
    """Whether a seed's new stage opens a trace."""
    gate_failure: bool = True
    """Whether a gate that did not open does."""
    value_collapse: bool = True
    """Whether a critic that says the same of all states does."""
    entropy_collapse: bool = True
    """Whether a policy that does not choose any more does."""
    force_dense: bool = False
    """Whether probes look closely all the time, as in the mode "research"."""


class SinksConfig(_Strict):
    """Which of the built-in sinks a run has."""

    log: bool = True
    """The run directory, where one is given."""
    console: bool = True
    """The terminal, where there is one or it is asked for."""
    prometheus: bool = True
    """/metrics, where an address is given."""


class TelemetryConfig(_Strict):
    """What a run measures. Profiles of it are in `profiles.yaml`; a value out of its bounds raises ValidationError."""

    profile_name: str = "standard"
    """The profile that this began from."""
    mode: Literal["standard", "research", "adaptive"] = "standard"
    """Operating mode: "research" measures all the time as finely as the profile of that name; "adaptive" does so while
    something is out of order, and for a while after."""
    dense_budget: Number = Field(default=0.2, ge=0, le=1)
    """In the mode "adaptive", the share of epochs, over all environments, that may be measured so finely."""
    history_length: int = Field(default=10, strict=True, ge=5, le=100)
    """Epochs that the figures of the narrative go back by, as in "(mean of 5 epochs 0.542 -> 0.472; now 0.398)"."""
    gradients: GradientConfig = GradientConfig()
    loss_landscape: LossLandscapeConfig = LossLandscapeConfig()
    per_class: PerClassConfig = PerClassConfig()
    track_weight_norms: bool = False
    """Norms of the weights by layer, and how far they moved in an epoch."""
    track_activation_stats: bool = False
    """What each layer puts out for the validation batch."""
    dormant_threshold: Number = Field(default=0.025, ge=0, lt=1)
    """A unit is dormant whose mean magnitude is at most this share of its layer's (Sokar et al. 2023)."""
    overhead: Number | None = Field(default=None, gt=0, le=1)
    """CPU of telemetry by that of the training within which it is to stay, by taking fewer of the looks that are due.
    None bounds nothing."""
    log_bytes_per_step: Number | None = Field(default=None, gt=0)
    """Bytes of the log within which a step of training is to stay, on the mean, by taking fewer looks in the same way.
    None bounds nothing."""
    expected_overhead: Number | None = Field(default=None, gt=0)
    """CPU of its looks by that of the training, as a profile says; one warning tells of more. None says nothing."""
    alerts: AlertsConfig = AlertsConfig()
    traces: TracesConfig = TracesConfig()
    sinks: SinksConfig = SinksConfig()
    web_config: str | None = None
    """A file that says who may read /metrics, with a certificate and hashes of passwords. docs/prometheus.md has it."""

    @property
    def always_dense(self) -> bool:
        """Whether everything is measured all the time."""
        return self.mode == "research" or self.traces.force_dense
