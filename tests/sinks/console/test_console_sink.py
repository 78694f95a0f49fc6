"""What a person sees: a line for each turn in a seed's life, the tables, and numbers that mean what they say."""

import io
import math
import re
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from nissa.events.event import Event
from nissa.events.kinds import (
    KINDS,
    AlertResolved,
    EpochAssessed,
    LayerWeights,
    OverheadGoverned,
    RunEnded,
    RunResumed,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    WeightsMeasured,
)
from nissa.operators import default_operators
from nissa.operators.fold import Fold
from nissa.pipeline.dispatch.dispatcher import Dispatcher
from nissa.sinks.console.console_sink import ConsoleSink
from nissa.sinks.console.event_lines import line
from nissa.sinks.console.network_tables import health_text, layer_table
from nissa.sinks.console.scoreboard import growth_text
from nissa.sinks.console.summary_tables import summary
from nissa.sinks.tables.summary_rows import Tables
from tests.samples import episode_ended, episode_started, epoch_completed, event, payloads, run_started

STORY = [
    event(episode_started(), group="ppo", env=0, episode=0),
    event(
        SeedGerminated(slot="early", seed="s1", blueprint="norm", params=120), group="ppo", env=0, episode=0, epoch=3
    ),
    event(epoch_completed(91.25, 120), group="ppo", env=0, episode=0, epoch=3),
    event(
        SeedFossilized(slot="early", seed="s1", blueprint="norm", improvement=1.5, params_added=120, epochs_total=9),
        group="ppo",
        env=0,
        episode=0,
        epoch=12,
    ),
    event(
        SeedCulled(slot="late", seed="s2", improvement=-0.25, reason="no gain", initiator="policy", epochs_total=4),
        group="ppo",
        env=0,
        episode=0,
        epoch=20,
    ),
    event(episode_ended(), group="ppo", env=0, episode=0, epoch=45),
    event(RunEnded(outcome="completed", duration=12.0)),
]


def shown(events: list[Event[Any]], *, terminal: bool = False, every: int | None = None) -> str:
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=terminal, color_system="standard" if terminal else None)
    sink = ConsoleSink(console, every=every)
    dispatcher = Dispatcher(default_operators(), {"console": sink}, fail)
    for e in events:
        dispatcher.deliver(e)
    sink.close()
    return out.getvalue()


def fail(owner: str, error: BaseException, about: object) -> None:
    raise AssertionError(owner) from error


def test_each_turn_in_a_seeds_life_is_one_line_with_its_place() -> None:
    lines = shown(STORY).splitlines()
    (germinated,) = [text for text in lines if "germinated " in text and "norm (s1)" in text]
    assert "ppo env0 ep0 e3" in germinated
    assert "early: norm (s1), 120 params" in germinated
    (fossilized,) = [text for text in lines if "fossilized " in text and "+120 params" in text]
    assert "accuracy +1.50 points while it lived, 9 epochs" in fossilized
    (culled,) = [text for text in lines if "no gain" in text]
    assert "late: - (s2), accuracy -0.25 points while it lived, 4 epochs, by policy" in culled
    assert "cull itself" not in culled


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"overhead": 0.2, "target": 0.03}, "telemetry cost 20.0%, and 3.0% was asked for: one look in 4 is taken"),
        (
            {"bytes_per_step": 1234.5, "bytes_target": 500.0},
            "telemetry cost 1,234 bytes a step, and 500 was asked for: one look in 4 is taken",
        ),
        (
            {"overhead": 0.2, "target": 0.03, "bytes_per_step": 1234.5, "bytes_target": 500.0},
            "20.0%, and 3.0% was asked for; 1,234 bytes a step, and 500 was asked for: one look in 4",
        ),
    ],
)
def test_a_decision_says_what_was_measured_and_asked_for(asked: dict[str, float], text: str) -> None:
    said = " ".join(shown([event(OverheadGoverned(**asked, one_in=4, before=1))]).split())
    assert text in said


@pytest.mark.parametrize(
    ("last_seq", "torn", "text"),
    [
        (1234, 26, "process 7 goes on behind event 1,234; 26 bytes of a torn line were cut off"),
        (None, 0, "process 7 goes on"),
    ],
)
def test_a_run_that_goes_on_says_so(last_seq: int | None, torn: int, text: str) -> None:
    resumed = RunResumed(last_seq=last_seq, torn=torn, process=7, versions={}, hardware={})
    assert str(line(event(resumed), 0.0)).endswith(f"run resumed  {text}")


def test_a_cull_says_what_it_cost_where_that_was_measured() -> None:
    cull = SeedCulled(
        slot="late", reason="late", initiator="policy", epochs_total=1, accuracy_before=91.0, accuracy_after=62.5
    )
    assert str(line(event(cull), 0.0)).endswith("1 epoch, by policy: late; the cull itself: 91.00% -> 62.50%")


def test_an_episodes_line_has_each_accuracy_beside_the_growth_of_its_network() -> None:
    told = replace(episode_ended(), kept_accuracy=62.22, final_growth_ratio=1.49)
    text = str(line(event(told), 0.0))
    assert "kept 62.22% at 1.00x, as trained 50.00% at 1.49x; 45 epochs, reward +1.00" in text
    assert "kept not measured at 1.00x, as trained 50.00% at growth not told" in str(line(event(episode_ended()), 0.0))


def test_faults_that_were_injected_are_told_at_the_start_and_with_every_verdict() -> None:
    faults = ["nan@env0:ep2:epoch5", "value_collapse@ep12", {"of": "another trainer"}, "pump"]
    start = replace(run_started(), hyperparameters={"injections": faults})
    lines = shown([event(start), *STORY[:-1]]).splitlines()
    (begun,) = [line for line in lines if "run started" in line]
    assert begun.endswith("; 2 faults injected on purpose")
    assert "Of a training with 2 faults injected on purpose." in lines
    assert "on purpose" not in shown([event(run_started()), *STORY])


def test_an_alert_that_stood_at_the_end_of_the_run_is_not_resolved() -> None:
    over = AlertResolved(alert="kl_spike", severity="warning", observations=1, clause="run_ended", subject="x")
    text = str(line(event(replace(over, update=7)), 0.0))
    assert "resolved" not in text
    assert "kl_spike (x): still at the end of the run, after 1 observation, raised in update 7" in text


def test_the_tables_come_at_the_end_with_what_the_operators_computed() -> None:
    rows = [" ".join(row.split()) for row in shown(STORY).splitlines()]
    assert "ppo norm +1.50 -" in rows
    assert "ppo unknown - -0.25" in rows
    assert [row.startswith("ppo norm 1 100 1 0 0 100.0 9.0 ") for row in rows].count(True) == 1
    assert "1 * ppo 0 0 3 91.25 1.12x 81.47" in rows
    (board,) = [row for row in rows if row.startswith("ppo 0 1 1 1 ")]
    assert board.endswith("1.12x 1.02x norm 1")


@pytest.mark.parametrize(
    ("envs", "every", "at"),
    [(None, None, [5, 10]), (1, None, [5, 10]), (4, None, [8]), (7, None, [7]), (4, 1, [*range(1, 12)]), (4, 6, [6])],
)
def test_the_tables_come_after_whole_rounds_of_environments_and_never_right_before_the_end(
    envs: int | None, every: int | None, at: list[int]
) -> None:
    """Of twelve episodes, each a second long."""
    started = [] if envs is None else [event(replace(run_started(), n_envs=envs))]
    text = shown([*started, *finished(*range(12)), STORY[-1]], every=every)
    heads = [place for place, row in enumerate(text.splitlines()) if row.startswith("Best runs")]
    ended = [place for place, row in enumerate(text.splitlines()) if " episode  " in row]
    assert [sum(place < head for place in ended) for head in heads] == [*at, 12]


def test_only_the_tables_before_the_end_are_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []

    def drawn(tables: Any, *, so_far: bool = False, injected: str = "") -> Any:
        told.append(so_far)
        return summary(tables, injected=injected)

    monkeypatch.setattr("nissa.sinks.console.console_sink.summary", drawn)
    shown(finished(0.0, 1.0, 2.0), every=1)
    assert told == [True, True, False]


@pytest.mark.parametrize(("gap", "times"), [(0.999, 2), (1.0, 3)])
def test_episodes_that_end_in_the_same_second_share_a_table(gap: float, times: int) -> None:
    assert shown(finished(0.0, gap, 2 * gap), every=1).count("Best runs") == times


def finished(*times: float) -> list[Event[Any]]:
    """Episodes that ended at these times."""
    rows = [(n, time, payload) for n, time in enumerate(times) for payload in (epoch_completed(90.0), episode_ended())]
    return [event(payload, time=time, episode=n) for n, time, payload in rows]


def test_the_end_is_summed_up_once_with_the_alerts_that_ended_with_it() -> None:
    """They are told after the run's own end."""
    bad = [event(replace(epoch_completed(90.0), val_loss=math.nan), env=0, episode=0, epoch=1)]
    text = shown([*bad, event(RunEnded(outcome="completed", duration=1.0))])
    assert text.count("Alerts") == 1
    assert re.search(r"critical\s+non_finite\s+env0 ep0 e1\s+open at the end\s", text)


@pytest.mark.parametrize(
    ("ratio", "text", "style"),
    [
        (1.0, "1.00x", "dim"),
        (0.99, "0.99x", "dim"),
        (1.001, "1.00x", "cyan"),
        (1.099, "1.10x", "cyan"),
        (1.1, "1.10x", "bold cyan"),
        (1.5, "1.50x", "bold cyan"),
        (None, "-", "dim"),
    ],
)
def test_growth_is_dim_without_any_cyan_when_modest_and_bold_from_a_tenth(
    ratio: float | None, text: str, style: str
) -> None:
    assert (growth_text(ratio).plain, growth_text(ratio).style) == (text, style)


def test_colour_is_for_terminals_only() -> None:
    assert "\x1b[" in shown(STORY, terminal=True)
    assert "\x1b[" not in shown(STORY)


@given(st.sampled_from(list(KINDS.values())).flatmap(payloads))
def test_no_event_however_odd_breaks_a_line(payload: Any) -> None:
    told = line(event(payload), 0.0)
    assert told is None or "\n" not in told.plain


@settings(max_examples=40)
@given(st.data())
def test_no_row_however_odd_breaks_a_table(data: st.DataObject) -> None:
    tables = Tables()
    for kind in Tables.kinds:
        tables(event(data.draw(payloads(kind))))
    Console(file=io.StringIO()).print(summary(tables.snapshot()))


def test_a_live_progress_bar_leaves_the_streams_of_the_process_alone() -> None:
    """Else a forked DataLoader worker that prints would wait for a lock that nobody holds any more."""
    sink = ConsoleSink(Console(file=io.StringIO(), force_terminal=True))
    before = (sys.stdout, sys.stderr)
    sink(event(run_started()))
    assert (sys.stdout, sys.stderr) == before
    sink.close()


def test_nothing_to_show_is_said() -> None:
    out = io.StringIO()
    Console(file=out).print(summary(Tables().snapshot()))
    assert out.getvalue() == "No event of a kind known here told of a seed, or of the end of an episode.\n"


def assessed(episode: int, *red_flags: str, **more: Any) -> Event[Any]:
    """An assessment as it comes after an epoch."""
    values: dict[str, Any] = {"opportunities": [], "complaints": {}, "plateau_epochs": 0, "narrative": "Loss 1"}
    payload = EpochAssessed(red_flags=list(red_flags), learning="improving", **values | more)
    return event(payload, group="ppo", env=0, episode=episode, epoch=9)


def test_a_red_flag_is_told_once_an_episode() -> None:
    calm, one, both = assessed(0), assessed(0, "diverging"), assessed(0, "diverging", "dead_units")
    told = [text[31:].strip() for text in shown([calm, one, one, both, calm, both]).splitlines() if "red flag" in text]
    assert told == ["red flag     diverging: Loss 1", "red flag     dead_units: Loss 1"]


def test_a_new_episode_owes_nothing_to_the_flags_of_the_one_before() -> None:
    told = shown([assessed(0, "diverging"), assessed(1), assessed(2, "diverging"), assessed(3, "diverging")])
    assert told.count("red flag") == 3


def test_networks_and_layers_are_listed_the_least_healthy_first() -> None:
    weights = WeightsMeasured(layers={f"host.[{n}]": LayerWeights(norm=float(n)) for n in range(9)})
    events = [
        event(assessed(0, health=1.0).payload, group="a", env=0, episode=0, epoch=9),
        event(weights, group="a", env=1, episode=0, epoch=9),
        event(assessed(0, "dead_units", health=0.25).payload, group="a", env=1, episode=0, epoch=9),
    ]
    text = shown([*events, STORY[-1]])
    rows = [" ".join(row.split()) for row in text.splitlines()]
    assert (
        rows.index("a 1 0 9 25% improving dead_units Loss 1")
        == rows.index("a 0 0 9 100% improving - Loss 1") - 1
        > rows.index("Networks")
    )
    assert rows.index("a 1 host.[0] 0") > rows.index("Layers")
    assert "host.[3]" in text
    assert "host.[4]" not in text


def test_a_narrow_terminal_breaks_long_names_and_no_numbers() -> None:
    name = "mid.seed.body.queries_keys_values.out_projection"
    row = {"run": "r", "group": "ppo", "env": 0, "layer": name, "grad_norm": 1.23e-05, "weight_norm": 12.3}
    out = io.StringIO()
    more = {"update_ratio": 0.00123, "dormant": 0.25, "effective_rank": 10.5, "complaint": "vanishing"}
    Console(file=out, width=80).print(*layer_table([row | more]))
    rows = [text.split() for text in out.getvalue().splitlines() if text.strip()][4:]
    assert [rows[0][:2], rows[0][3:]] == [
        ["ppo", "0"],
        ["1.23e-05", "12.3", "0.00123", "25%", "10.5", "vanishing"],
    ]
    assert rows[0][2] + "".join(part for row in rows[1:] for part in row) == name


@pytest.mark.parametrize(
    ("health", "text", "style"),
    [
        (None, "-", "dim"),
        (1.0, "100%", "green"),
        (0.99, "99%", "yellow"),
        (0.5, "50%", "yellow"),
        (0.49, "49%", "bold red"),
        ("NaN", "nan%", "bold red"),
    ],
)
def test_health_is_green_only_when_nothing_is_wrong(health: Any, text: str, style: str) -> None:
    assert (health_text(health).plain, health_text(health).style) == (text, style)


def test_tables_at_no_interval_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 episode, not 0"):
        ConsoleSink(every=0)


def test_every_kind_that_operators_derive_has_a_table() -> None:
    derived = {kind for kind in KINDS.values() if kind.derived}
    assert derived <= set(Tables.kinds)
    assert all(isinstance(operator, Fold) for operator in default_operators().values())
