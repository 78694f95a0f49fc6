"""Profiles, a user's file and single settings become one configuration, or one line that says what is wrong."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nissa.pipeline.config import ConfigError
from nissa.pipeline.config.errors import allowed
from nissa.pipeline.config.layer_selection import selected
from nissa.pipeline.config.measurement_plan import planned
from nissa.pipeline.config.profiles import load, merged, profile_names
from nissa.pipeline.config.settings import TelemetryConfig
from nissa.pipeline.telemetry import Telemetry

GRADIENT_KEYS = ", ".join(type(TelemetryConfig().gradients).model_fields)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my.yaml"


def refused(*arguments: Any, **options: Any) -> str:
    with pytest.raises(ConfigError) as error:
        load(*arguments, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def enabled(config: TelemetryConfig) -> int:
    return sum(part.enabled for part in (config.gradients, config.per_class, config.loss_landscape))


def test_the_built_in_profiles_measure_what_the_documents_say() -> None:
    assert profile_names() == ["minimal", "standard", "diagnostic", "research"]
    minimal, standard, diagnostic, research = map(load, profile_names())
    assert [config.history_length for config in (minimal, standard, diagnostic, research)] == [5, 10, 20, 50]
    assert [enabled(config) for config in (minimal, standard, diagnostic, research)] == [0, 1, 3, 3]
    assert standard.gradients.enabled
    assert diagnostic.gradients.percentiles == [1, 25, 50, 75, 99]
    assert (diagnostic.gradients.vanishing_threshold, diagnostic.gradients.exploding_threshold) == (1e-7, 1000)
    assert diagnostic.per_class.track_accuracy
    assert diagnostic.per_class.track_loss
    assert diagnostic.loss_landscape.perturbation_samples == 5
    assert research.gradients.percentiles == [1, 5, 25, 50, 75, 95, 99]
    assert research.gradients.full_histogram
    assert research.per_class.track_confusion
    assert research.loss_landscape.perturbation_samples == 10
    assert research.track_weight_norms
    assert research.track_activation_stats


def test_the_defaults_are_those_of_the_documents() -> None:
    config = TelemetryConfig()
    assert (config.profile_name, config.history_length) == ("standard", 10)
    assert (config.gradients.enabled, config.gradients.layers, config.gradients.percentiles) == (
        False,
        "all",
        [1, 50, 99],
    )
    assert (config.gradients.vanishing_threshold, config.gradients.exploding_threshold) == (1e-7, 1e3)
    landscape, classes = config.loss_landscape, config.per_class
    assert (landscape.perturbation_samples, landscape.perturbation_scale) == (5, 0.01)
    assert (classes.track_accuracy, classes.track_loss, classes.track_confusion) == (True, False, False)


DOCUMENTED = """
profiles:
  minimal:  # Fast iteration
    history_length: 5
    gradients:
      enabled: false
    per_class:
      enabled: false
    loss_landscape:
      enabled: false
  standard:
    history_length: 10
    gradients:
      enabled: true
      layers: ["conv1", "conv2", "fc"]
      track_norm: true
      track_std: true
      detect_vanishing: true
      detect_exploding: true
    per_class:
      enabled: false
    loss_landscape:
      enabled: false
  diagnostic:
    history_length: 20
    gradients:
      enabled: true
      layers: "all"
      percentiles: [1, 25, 50, 75, 99]
      detect_vanishing: true
      detect_exploding: true
      vanishing_threshold: 1e-7
      exploding_threshold: 1000
    per_class:
      enabled: true
      track_accuracy: true
      track_loss: true
    loss_landscape:
      enabled: true
      perturbation_samples: 5
      estimate_sharpness: true
  research:
    history_length: 50
    gradients:
      enabled: true
      layers: "all"
      percentiles: [1, 5, 25, 50, 75, 95, 99]
      full_histogram: true
    per_class:
      enabled: true
      track_accuracy: true
      track_loss: true
      track_confusion: true
    loss_landscape:
      enabled: true
      perturbation_samples: 10
    track_weight_norms: true
    track_activation_stats: true
"""


def test_the_profiles_as_the_documents_write_them_can_be_loaded(file: Path) -> None:
    file.write_text(DOCUMENTED)
    found = {name: load(name, file) for name in profile_names(file)}
    assert list(found) == ["minimal", "standard", "diagnostic", "research"]
    assert found["standard"].gradients.layers == ["conv1", "conv2", "fc"]
    assert found["diagnostic"].gradients.vanishing_threshold == 1e-7
    assert found["research"].gradients.full_histogram
    for name, config in found.items():
        said = yaml.safe_load(DOCUMENTED)["profiles"][name]
        plain = config.model_dump()
        said.get("gradients", {}).pop("vanishing_threshold", None)
        assert merged(plain, said) == plain


def test_a_file_goes_over_its_profile_and_a_setting_over_the_file(file: Path) -> None:
    file.write_text("profile: diagnostic\nhistory_length: 30\ngradients: {every: 5, percentiles: [50]}\n")
    config = load(file=file, overrides=["gradients.every=2", "per_class.track_loss=false", "gradients.every=3"])
    assert (config.profile_name, config.history_length) == ("diagnostic", 30)
    assert (config.gradients.enabled, config.gradients.every, config.gradients.percentiles) == (True, 3, [50])
    assert (config.per_class.enabled, config.per_class.track_loss) == (True, False)


def test_a_profile_that_is_named_goes_before_that_of_the_file(file: Path) -> None:
    file.write_text("profile: research\nhistory_length: 30\n")
    config = load("minimal", file)
    assert (config.profile_name, config.gradients.enabled, config.history_length) == ("minimal", False, 30)


def test_a_file_can_bring_profiles_of_its_own(file: Path) -> None:
    file.write_text("profiles:\n  mine: {gradients: {enabled: true, every: 7}}\n")
    assert profile_names(file)[-1] == "mine"
    config = load("mine", file)
    assert (config.profile_name, config.gradients.every, config.per_class.enabled) == ("mine", 7, False)


def test_a_configuration_written_out_can_be_read_again(file: Path) -> None:
    config = load("research", overrides=["gradients.layers=['conv*']", "sinks.log=false"])
    file.write_text(yaml.safe_dump(config.model_dump()))
    assert load(file=file) == config


def test_an_empty_file_changes_nothing(file: Path) -> None:
    file.write_text("# nothing yet\n")
    assert load(file=file) == load()


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("gradients.every=0", "gradients.every = 0, but it must be a whole number from 1 up"),
        ("gradients.every=yes", "gradients.every = True, but it must be a whole number from 1 up"),
        ("gradients.every=2.5", "gradients.every = 2.5, but it must be a whole number from 1 up"),
        ("gradients.vanishing_threshold=-1", "gradients.vanishing_threshold = -1, but it must be a number above 0"),
        ("gradients.vanishing_threshold=true", "gradients.vanishing_threshold = True, but it must be a number above 0"),
        ("dense_budget=true", "dense_budget = True, but it must be a number from 0 to 1"),
        ("gradients.layers=[]", "gradients.layers = [], but it must be all, or a list of at least 1, each item a text"),
        (
            "gradients.vanishing_threshold=1000",
            "gradients.vanishing_threshold = 1000 must be below exploding_threshold = 1000",
        ),
        ("history_length=101", "history_length = 101, but it must be a whole number from 5 to 100"),
        (
            "loss_landscape.perturbation_scale=.nan",
            "loss_landscape.perturbation_scale = nan, but it must be a number above 0 and below 1",
        ),
        ("mode=fast", "mode = 'fast', but it must be standard or research or adaptive"),
        ("sinks.log=maybe", "sinks.log = 'maybe', but it must be true or false"),
        ("gradients.layers=5", "gradients.layers = 5, but it must be all, or a list of at least 1, each item a text"),
        (
            "gradients.percentiles=[1, 200]",
            "gradients.percentiles = [1, 200], but it must be a list, each item a whole number from 0 to 100",
        ),
        ("gradients.every.more=3", "gradients.every = {'more': 3}, but it must be a whole number from 1 up"),
        ("gradients=true", f"gradients = True, but it must be a section with the keys {GRADIENT_KEYS}"),
        ("gradients.layer=all", "there is no key gradients.layer: did you mean gradients.layers?"),
        ("gradients.zzz=1", f"there is no key gradients.zzz: choose from {GRADIENT_KEYS}"),
        ("histroy_length=9", "there is no key histroy_length: did you mean history_length?"),
        ("gradients.every", "must be KEY=VALUE, such as gradients.every=5"),
        ("=5", "must be KEY=VALUE, such as gradients.every=5"),
        ("gradients..every=5", "must be KEY=VALUE, such as gradients.every=5"),
        ("gradients.layers=[conv1", "while parsing a flow sequence, expected ',' or ']', but got '<stream end>'"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_what_is_allowed(override: str, complaint: str) -> None:
    assert refused(overrides=["history_length=9", override]) == f"--set {override}: {complaint}"


BOMB = "a: &a [x, x]\n" + "".join(f"{n}: &{n} [*{m}, *{m}]\n" for m, n in zip("abcdefghij", "bcdefghijk", strict=True))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (BOMB, "line 2: write out what *a stands for: aliases are not read here"),
        (f"gradients: {'[' * 20_000}", "nested too deeply"),
        (f"history_length: {'x' * 90_000}", "... (90002), but it must be a whole number"),
        (f"gradients:\n  layers: [[{'x' * 90_000}]]", "... (90006), but it must be all, or a list"),
        (f"? {'x' * 90_000}\n: 1", "there is no key xxx"),
        ("".join(f"{n}: 1\n" for n in range(9_000)), "and 8990 more"),
        (f"profile: {'x' * 90_000}", "there is no profile 'xxx"),
        ("profile: mine\nprofiles:\n" + "".join(f"  p{n}: {{}}\n" for n in range(2_000)), "there is no profile 'mine'"),
        ("x" * 90_000, "must hold keys with values"),
        ("history_length: 10\n" * 6_000, "longer than 100,000 characters"),
    ],
    ids=range(10),
)
def test_what_is_said_of_a_configuration_is_bounded_whatever_is_in_it(file: Path, text: str, complaint: str) -> None:
    file.write_text(text)
    said = refused(file=file)
    assert complaint in said
    assert len(said) <= 4_000


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("gradients:\n  every: 0\n", ": gradients.every = 0, but it must be a whole number from 1 up"),
        ("gradients:\n  evry: 5\n", ": there is no key gradients.evry: did you mean gradients.every?"),
        ("gradients:\n", f": gradients = None, but it must be a section with the keys {GRADIENT_KEYS}"),
        ("gradients:\n  every: 5\n  every: 6\n", ", line 3: every is given twice"),
        ("gradients:\n\tevery: 5\n", ", line 2: while scanning for the next token, found character '\\t' that"),
        ("mode: standard\nlayers: [conv1\n", ", line 3: while parsing a flow sequence, expected ',' or ']'"),
        ("a: 1\n---\nb: 2\n", ", line 2: expected a single document in the stream, but found another document"),
        ("gradients: !!python/object/apply:os.getcwd []", ": could not determine a constructor for the tag"),
        ("? [1, 2]\n: 3\n", ", line 1: while constructing a mapping, found unhashable key"),
        ("- gradients\n", ": must hold keys with values, such as `history_length: 10`, not ['gradients']"),
        ("\x01", ": unacceptable character #x0001: special characters are not allowed"),
        ("1: 2\n", ": there is no key 1: choose from profile_name, mode, dense_budget, history_length"),
        ("on: {ry:0}\n?", ": there is no key on: choose from profile_name"),
        ("alerts: {null: 1}\n", ": there is no key alerts.null: choose from mode, loss_spike_threshold"),
        ("1.5: {a: 3}\n", ": there is no key 1.5: choose from profile_name"),
        ("profile: debug\n", ": there is no profile 'debug': choose from minimal, standard, diagnostic, research"),
        ("profile: [minimal]\n", ": profile = ['minimal'], but it must be the name of a profile"),
        ("profiles: 3\n", ": profiles: must hold keys with values, not 3"),
        ("profiles: {1: {}}\n", ": profiles: 1 cannot be the name of a profile: it must be a text"),
        ("profiles: {1: {}}\nprofile: x\n", ": profiles: 1 cannot be the name of a profile: it must be a text"),
        # Also those that nobody asks for are looked at.
        ("profiles: {mine: 3}\n", ", profile mine: must hold keys with values, not 3"),
        (
            "profiles: {mine: {gradients: {evry: 1}}}\n",
            ", profile mine: there is no key gradients.evry: did you mean gradients.every?",
        ),
        ("history_length: 2024-99-99\n", ": '2024-99-99' is no timestamp: month must be in 1..12"),
        (
            "mode: standard\nhistory_length: !!int x\n",
            ", line 2: 'x' is no int: invalid literal for int() with base 10",
        ),
        ("history_length: !!float ''\n", ": '' is no float: "),
        ("history_length: !!bool x\n", ": 'x' is no bool: "),
        ("profile: mine\nprofiles: {mine: 3}\n", ", profile mine: must hold keys with values, not 3"),
        (
            "profile: mine\nprofiles: {mine: {mode: x}}\n",
            ", profile mine: mode = 'x', but it must be standard or research or adaptive",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_the_file(file: Path, text: str, complaint: str) -> None:
    file.write_text(text)
    assert refused(file=file).startswith(f"{file}{complaint}")


def test_all_that_is_wrong_is_said_in_one_line_each_with_its_source(file: Path) -> None:
    file.write_text("gradients: {every: 0}\n")
    said = refused(file=file, overrides=["mode=x"])
    assert said.split("; ") == [
        "--set mode=x: mode = 'x', but it must be standard or research or adaptive",
        f"{file}: gradients.every = 0, but it must be a whole number from 1 up",
    ]


def test_settings_that_do_not_go_together_are_blamed_on_who_gave_them_last(file: Path) -> None:
    file.write_text("gradients: {vanishing_threshold: 10}\n")
    complaint = "gradients.vanishing_threshold = 10 must be below exploding_threshold = 5"
    overrides = ["gradients.exploding_threshold=5", "gradients.every=3"]
    assert refused(file=file, overrides=overrides) == f"--set gradients.exploding_threshold=5: {complaint}"
    assert refused(file=file, overrides=["gradients.every=0"]).startswith(
        "--set gradients.every=0: gradients.every = 0"
    )
    file.write_text("gradients: {exploding_threshold: 1e-9}\n")
    assert refused(file=file, overrides=["gradients.every=3"]).startswith(
        f"{file}: gradients.vanishing_threshold = 1e-07"
    )


def test_a_profile_with_a_built_in_name_goes_over_that(file: Path) -> None:
    file.write_text("profiles: {diagnostic: {gradients: {every: 7}}}\n")
    config = load("diagnostic", file)
    assert config == load("diagnostic", overrides=["gradients.every=7"])
    assert load("standard", file) == load("standard")


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path, file: Path) -> None:
    assert refused(file=file) == f"{file}: cannot be read: No such file or directory"
    assert refused(file=tmp_path) == f"{tmp_path}: cannot be read: Is a directory"
    file.write_bytes(b"\xff\xfe\x00")
    assert refused(file=file).startswith(f"{file}: cannot be read: 'utf-8' codec can't decode byte 0xff")


def test_an_unknown_profile_is_answered_with_the_known_ones(file: Path) -> None:
    assert refused("debug") == "there is no profile 'debug': choose from minimal, standard, diagnostic, research"
    file.write_text("profiles: {mine: {}}\n")
    assert refused("debug", file).endswith("choose from minimal, standard, diagnostic, research, mine")


def test_in_the_mode_research_all_is_measured_that_the_profile_or_the_configuration_asks_for() -> None:
    research = load("research").model_dump()
    changes = ["mode=research", "gradients.layers=[fc]", "gradients.vanishing_threshold=1e-5", "loss_landscape.every=1"]
    plan = planned(load("diagnostic", overrides=[*changes, "gradients.percentiles=[10]", "sinks.log=false"]))
    research["gradients"] |= {
        "layers": ["fc"],
        "vanishing_threshold": 1e-5,
        "percentiles": [1, 5, 10, 25, 50, 75, 95, 99],
    }
    research["loss_landscape"]["every"] = 1
    research["sinks"]["log"] = False
    kept = {"profile_name": "diagnostic", "mode": "research", "history_length": 20, "expected_overhead": 0.05}
    assert plan.model_dump() == research | kept
    assert planned(plan) == plan
    assert planned(load("diagnostic")) == load("diagnostic")
    many = planned(load("diagnostic", overrides=["mode=research", "loss_landscape.perturbation_samples=20"]))
    assert many.loss_landscape.perturbation_samples == 20


def test_a_pipeline_takes_the_name_of_a_profile_and_refuses_others() -> None:
    assert Telemetry("run", config="diagnostic").config == load("diagnostic")
    with pytest.raises(ValueError, match="there is no profile 'debug'"):
        Telemetry("run", config="debug")


@pytest.mark.parametrize("wrong", [None, ["gradients.every=5"], Path("my.yaml")])
def test_a_pipeline_that_is_given_no_configuration_says_what_is_one(wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"config must be a TelemetryConfig.*, not {type(wrong).__name__}"):
        Telemetry("run", config=wrong)


def test_a_fidelity_that_there_is_not_is_refused_and_changes_nothing() -> None:
    telemetry: Any = Telemetry("run")
    for wrong in ("Dense", "research", True, None):
        with pytest.raises(ValueError, match=f"fidelity must be one of normal, dense, not {wrong!r}"):
            telemetry.fidelity = wrong
    assert telemetry.fidelity == "normal"
    telemetry.fidelity = "dense"
    assert telemetry.fidelity == "dense"


def test_each_setting_has_words_for_what_it_may_be() -> None:
    def walk(values: dict[str, Any], path: tuple[str, ...] = ()) -> None:
        for key, value in values.items():
            assert allowed((*path, key))
            if isinstance(value, dict):
                walk(value, (*path, key))

    walk(TelemetryConfig().model_dump())


@st.composite
def settings_like(draw: st.DrawFn, shape: Any = None) -> dict[str, Any]:
    """Some of the settings that there are, with any values: sections are sections everywhere."""
    shape = TelemetryConfig().model_dump() if shape is None else shape
    keys = draw(st.lists(st.sampled_from(sorted(shape)), unique=True))
    leaf = st.integers() | st.lists(st.integers(), max_size=3) | st.none()
    return {key: draw(settings_like(shape[key]) if isinstance(shape[key], dict) else leaf) for key in keys}


def leaves(settings: dict[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, value in settings.items():
        found |= leaves(value, (*path, key)) if isinstance(value, dict) else {(*path, key): value}
    return found


@given(settings_like(), settings_like())
def test_what_is_said_above_wins_and_what_it_does_not_touch_stays(low: Any, high: Any) -> None:
    before = copy.deepcopy((low, high))
    assert leaves(merged(low, high)) == leaves(low) | leaves(high)
    assert (low, high) == before


@given(settings_like(), settings_like(), settings_like())
def test_it_does_not_matter_which_two_are_merged_first(a: Any, b: Any, c: Any) -> None:
    assert merged(merged(a, b), c) == merged(a, merged(b, c))
    assert merged(a, {}) == merged({}, a) == a


@given(st.dictionaries(st.sampled_from(["gradients.every", "history_length"]), st.integers(5, 100)))
def test_settings_on_the_command_line_win_over_every_profile(wanted: dict[str, int]) -> None:
    overrides = [f"{key}={value}" for key, value in wanted.items()]
    for name in profile_names():
        expected = load(name).model_dump()
        expected["history_length"] = wanted.get("history_length", expected["history_length"])
        expected["gradients"]["every"] = wanted.get("gradients.every", expected["gradients"]["every"])
        assert load(name, overrides=overrides).model_dump() == expected


LAYERS = ["host.conv1", "host.block.conv2", "host.fc"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("all", LAYERS),
        (["fc", "conv1"], ["host.conv1", "host.fc"]),
        (["conv*"], ["host.conv1", "host.block.conv2"]),
        (["block.*"], ["host.block.conv2"]),
        (["host.fc"], ["host.fc"]),
        (["early.*", "ear*.conv", "early.conv", "late"], []),
        (["*.conv?", "early.*"], ["host.conv1", "host.block.conv2"]),
        ([], []),
    ],
)
def test_layers_are_called_by_path_by_last_name_or_by_pattern(wanted: Any, expected: list[str]) -> None:
    assert selected(LAYERS, wanted, others=("early", "late")) == expected


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ("conv9", f"there is no layer 'conv9': did you mean 'conv2'? Choose from {', '.join(LAYERS)}"),
        ("zzz", f"there is no layer 'zzz': choose from {', '.join(LAYERS)}"),
        ("zzz*", f"there is no layer 'zzz*': choose from {', '.join(LAYERS)}"),
        ("early.conv", f"there is no layer 'early.conv': choose from {', '.join(LAYERS)}"),
    ],
)
def test_a_name_or_pattern_of_no_layer_is_refused_with_all_there_are(wanted: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)) as error:
        selected(LAYERS, ["fc", wanted], others=("late",))
    start = f"gradients.layers = {['fc', wanted]!r}: of all that can be trained there is no layer "
    assert str(error.value).startswith(start)


def test_of_very_many_layers_an_error_names_some() -> None:
    with pytest.raises(ValueError, match=r"choose from l0, .*, l19 and 5 more$"):
        selected([f"l{n}" for n in range(25)], ["zzz"])


def test_the_switches_of_the_documents_dense_trace_trigger_are_configuration_with_its_defaults() -> None:
    config = TelemetryConfig()
    assert config.traces.model_dump() == {
        "stage_transition": True,
        "gate_failure": True,
        "value_collapse": True,
        "entropy_collapse": True,
        "force_dense": False,
    }
    limits = config.alerts.loss_spike_threshold, config.alerts.accuracy_drop_threshold, config.alerts.gradient_explosion
    assert limits == (2.0, 5.0, 100.0)
    changed = load(overrides=["traces.gate_failure=false", "alerts.loss_spike_threshold=3"])
    assert (changed.traces.gate_failure, changed.alerts.loss_spike_threshold) == (False, 3.0)


@pytest.mark.parametrize(
    "wrong", ["traces.gate_failure=maybe", "traces.gates=true", "alerts.loss_spike_threshold=1", "traces=off"]
)
def test_a_switch_that_is_none_is_refused(wrong: str) -> None:
    assert refused(overrides=[wrong])


@pytest.mark.parametrize("how", [{"mode": "research"}, {"traces": {"force_dense": True}}])
def test_where_dense_is_forced_everything_is_measured_from_the_start(how: dict[str, Any]) -> None:
    config = TelemetryConfig(**how)
    assert planned(config).gradients.every == 1
    with Telemetry("forced", config=config) as telemetry:
        assert telemetry.fidelity == "dense"
