"""What numbers, bars and tables show of runs that are gone, of runs made by hand that died, moved or go on."""

from collections.abc import Iterator

import pytest

from tests.grafana.checking import panels
from tests.grafana.choices import choices
from tests.grafana.columns import head_of
from tests.grafana.promql import filled
from tests.grafana.test_gone import NOW, Boards, Lines, every, place, serving
from tests.prometheus import Prometheus

DIED, MOVED, UNMEASURED = 2400.0, 1800.0, 1000.0
ALIVE = "nissa_run_last_event_timestamp_seconds"
ACCURACIES = "overview: Each environment/accuracy"
ENV = ',group="ppo",env="0"'


def since(start: float, value: float) -> list[tuple[float, float]]:
    """A value at each scrape from then on."""
    return [(at, value) for at, _ in every(NOW) if at >= start]


def told(instance: str, run: str, until: float, **values: float) -> Lines:
    """Gauges of an environment."""
    return {f"nissa_{name}" + place(run, instance, ENV): every(until, value) for name, value in values.items()}


def alert(instance: str, run: str, until: float, raised: float, resolved: float) -> Lines:
    labels = place(run, instance, ENV + ',alert="nan",severity="critical"')
    counts = {"": raised, "resolved_": resolved}
    return {f"nissa_alerts_{name}total{labels}": every(until, count) for name, count in counts.items()}


LINES: Lines = {
    ALIVE + place("died", "a:1"): every(DIED),
    "nissa_run_heartbeat_timestamp_seconds" + place("died", "a:1"): every(DIED),
    **told(
        "a:1", "died", DIED, val_accuracy_ratio=0.5, live_growth_ratio=3, best_peak_accuracy_ratio=0.625, live_seeds=2
    ),
    "nissa_fidelity_level" + place("died", "a:1"): every(DIED, 1),
    **told("a:1", "died", UNMEASURED, health_ratio=0.25),
    **alert("a:1", "died", DIED, 3, 1),
    "nissa_layers_with_complaint" + place("died", "a:1", ENV + ',complaint="dead"'): every(DIED, 2),
    # A process, of whatever runs.
    'nissa_scrapes_total{job="nissa",instance="a:1"}': every(DIED, 1),
    'nissa_pipeline_dropped_total{job="nissa",instance="a:1",kind="batch_completed"}': every(DIED, 7),
    # One that waits for its first run.
    'nissa_scrapes_total{job="nissa",instance="idle:1"}': every(NOW, 1),
    ALIVE + place("lives", "b:1"): every(NOW),
    **told("b:1", "lives", NOW, val_accuracy_ratio=0.7, live_growth_ratio=1.25),
    **told("b:1", "lives", UNMEASURED, health_ratio=0.75),
    **alert("b:1", "lives", NOW, 1, 1),
    "nissa_layers_with_complaint" + place("lives", "b:1", ENV + ',complaint="unheard"'): every(UNMEASURED, 1),
    'nissa_scrapes_total{job="nissa",instance="b:1"}': every(NOW, 1),
    'nissa_pipeline_dropped_total{job="nissa",instance="b:1",kind="batch_completed"}': every(NOW, 0),
    # Begun anew at another port, and not as far there.
    ALIVE + place("moved", "c:1"): every(MOVED),
    **told("c:1", "moved", MOVED, val_accuracy_ratio=0.875, live_growth_ratio=2),
    **alert("c:1", "moved", MOVED, 1, 0),
    ALIVE + place("moved", "c:2"): since(MOVED + 60, 1.0),
    "nissa_val_accuracy_ratio" + place("moved", "c:2", ENV): since(MOVED + 60, 0.125),
    "nissa_live_growth_ratio" + place("moved", "c:2", ENV): since(MOVED + 60, 1),
    **{text.replace("c:1", "c:2"): since(MOVED + 60, 0) for text in alert("c:1", "moved", MOVED, 0, 0)},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It remembers them."""
    yield from serving(LINES, tmp_path_factory.mktemp("remembered"))


def shown(server: Prometheus, boards: Boards, where: str, at: float = NOW, **chosen: str) -> dict[str, float]:
    """What a panel, or the column after a slash, shows then, by run; of an hour, unless `__range` is another."""
    uid, title = where.split(": ")
    title, _, head = title.partition("/")
    (panel,) = [panel for panel in panels(boards[f"nissa-{uid}"]) if panel["title"] == title]
    (target,) = [target for target in panel["targets"] if head_of(panel, target) == head]
    rows = server.get("query", query=filled(target["expr"], **chosen), time=str(at))["result"]
    return {row["metric"].get("run", ""): float(row["value"][1]) for row in rows}


def test_a_table_has_what_goes_on_and_what_is_gone(server: Prometheus, boards: Boards) -> None:
    assert shown(server, boards, ACCURACIES) == {"died": 0.5, "lives": 0.7, "moved": 0.125}


def test_a_table_forgets_what_the_time_range_does_not_cover(server: Prometheus, boards: Boards) -> None:
    covered = NOW - DIED + 10
    assert "died" in shown(server, boards, ACCURACIES, __range=f"{covered:.0f}s")
    assert "died" not in shown(server, boards, ACCURACIES, __range=f"{covered - 20:.0f}s")
    assert shown(server, boards, ACCURACIES, at=NOW + 1200, __range="10m") == {}


def test_what_a_run_no_longer_measures_is_empty_until_it_is_gone(server: Prometheus, boards: Boards) -> None:
    assert shown(server, boards, "overview: Each environment/health") == {"died": 0.25}
    after = shown(server, boards, "overview: Each environment/health", at=NOW + 60)
    assert after == {"died": 0.25, "lives": 0.75}


def test_a_number_is_of_what_goes_on_or_else_of_all(server: Prometheus, boards: Boards) -> None:
    for at, expected in ((NOW, 1.25), (NOW + 150, 3)):
        assert shown(server, boards, "overview: Live growth", at=at) == {"": expected}
    assert shown(server, boards, "overview: Live growth", run="died") == {"": 3}


def test_a_number_that_nothing_going_on_has_yet_is_empty(server: Prometheus, boards: Boards) -> None:
    """The best of a run before would be taken for its own."""
    assert shown(server, boards, "overview: Best peak accuracy") == {}
    assert shown(server, boards, "overview: Best peak accuracy", at=NOW + 150) == {"": 0.625}


@pytest.mark.parametrize(("where", "expected"), [("overview: Alerts", 0), ("overview: Live growth", 1.25)])
def test_a_scrape_that_fails_brings_no_run_of_before_into_a_number(
    where: str, expected: float, server: Prometheus, boards: Boards
) -> None:
    for at in (NOW, NOW + 30, NOW + 115):
        assert shown(server, boards, where, at=at) == {"": expected}
    assert shown(server, boards, where, at=NOW + 130)[""] > expected


def test_a_scrape_that_fails_calls_no_process_of_before_back(server: Prometheus, boards: Boards) -> None:
    assert shown(server, boards, "pipeline: Dropped", at=NOW + 30) == {"": 0}
    assert shown(server, boards, "pipeline: Dropped", at=NOW + 130) == {"": 7}


def test_alerts_stand_as_a_run_left_them(server: Prometheus, boards: Boards) -> None:
    assert shown(server, boards, "overview: Alerts") == {"": 0}
    assert shown(server, boards, "overview: Alerts", run="died") == {"": 2}
    assert shown(server, boards, "overview: Alerts that stand") == {"died": 2}


def test_a_name_that_came_and_went_is_not_called_back(server: Prometheus, boards: Boards) -> None:
    assert shown(server, boards, "network: Layers with a complaint") == {"died": 2}


def test_a_process_that_is_gone_is_counted_where_it_alone_is_chosen(server: Prometheus, boards: Boards) -> None:
    for instance, expected in ((".*", 0), ("a:1", 7), ("b:1", 0)):
        assert shown(server, boards, "pipeline: Dropped", instance=instance) == {"": expected}


@pytest.mark.parametrize(
    ("run", "processes"),
    [
        (".*", {"a:1", "b:1", "c:1", "c:2", "idle:1"}),
        ("died", {"a:1", "idle:1"}),
        ("lives|moved", {"b:1", "c:1", "c:2", "idle:1"}),
    ],
)
def test_processes_of_the_runs_chosen_can_be_chosen_and_those_without_a_run(
    run: str, processes: set[str], server: Prometheus, boards: Boards
) -> None:
    variables = {variable["name"]: variable for variable in boards["nissa-pipeline"]["templating"]["list"]}
    assert choices(server, variables["instance"], {"time": str(NOW)}, run=run) == processes


@pytest.mark.parametrize("where", ["slots: Live seeds now", "overview: Fidelity", "overview: Runs going on"])
def test_what_speaks_of_the_moment_has_nothing_of_what_is_gone(where: str, server: Prometheus, boards: Boards) -> None:
    before, after = (shown(server, boards, where, run="died", at=at) for at in (DIED, NOW))
    assert sum(before.values()) > 0
    assert sum(after.values()) == 0
