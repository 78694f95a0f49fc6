"""What comes with the dashboards: the command that hands them out, provisioning, Docker, colours, limits."""

import itertools
import json
import math
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from nissa.cli.main import main
from nissa.grafana.panels import palette, thresholds
from nissa.grafana.panels.fields import limited

Boards = dict[str, dict[str, Any]]


def test_the_command_hands_out_what_is_shipped(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboards", str(tmp_path / "new")]) == 0
    written = {file.relative_to(tmp_path / "new"): file.read_text() for file in (tmp_path / "new").rglob("*.*")}
    boards, rules = (root / "grafana/dashboards").glob("*.json"), (root / "grafana/rules").glob("*.yaml")
    shipped = [root / "grafana/alertmanager.yaml", *boards, *rules]
    assert written == {file.relative_to(root / "grafana"): file.read_text() for file in shipped}
    assert capsys.readouterr().out.split() == [str(tmp_path / "new" / name) for name in sorted(written)]


def test_a_data_source_of_ones_own_is_chosen_first(tmp_path: Path) -> None:
    assert main(["dashboards", str(tmp_path), "--datasource", "abc"]) == 0
    for file in (tmp_path / "dashboards").iterdir():
        source = json.loads(file.read_text())["templating"]["list"][0]
        assert source["name"] == "datasource"
        assert source["current"]["value"] == "abc"


def test_alerts_lead_to_addresses_of_ones_own(root: Path, tmp_path: Path) -> None:
    addresses = ["--runbooks", "https://wiki.example/nissa/", "--grafana", "https://grafana.example"]
    assert main(["dashboards", str(tmp_path), *addresses]) == 0
    for file in (root / "grafana/rules").iterdir():
        own, shipped = (yaml.safe_load((place / file.name).read_text()) for place in (tmp_path / "rules", file.parent))
        for rule in (rule for group in shipped["groups"] for rule in group["rules"] if "alert" in rule):
            texts = rule["annotations"]
            texts["runbook_url"] = f"https://wiki.example/nissa/{texts['runbook_url']}"
            texts["dashboard_url"] = f"https://grafana.example{texts['dashboard_url']}"
        assert own == shipped


def test_the_configuration_is_one_that_prometheus_takes(tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("no promtool on this machine: apt-get install prometheus")
    assert main(["dashboards", str(tmp_path), "--prometheus-config"]) == 0
    done = subprocess.run(
        ["promtool", "check", "config", tmp_path / "prometheus.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_no_folder_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["dashboards", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err == f"nissa dashboards: {tmp_path / 'file'} is no folder\n"


def test_a_file_that_was_edited_is_kept_unless_it_is_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboards", str(tmp_path)]) == 0
    assert main(["dashboards", str(tmp_path)]) == 0
    edited, gone = tmp_path / "rules/runs.yaml", tmp_path / "alertmanager.yaml"
    shipped = edited.read_text()
    edited.write_text("mine")
    gone.unlink()
    assert main(["dashboards", str(tmp_path)]) == 2
    assert str(edited) in capsys.readouterr().err
    assert (edited.read_text(), gone.exists()) == ("mine", False)
    assert main(["dashboards", str(tmp_path), "--force"]) == 0
    assert (edited.read_text(), gone.exists()) == (shipped, True)


def test_docker_is_given_files_that_are_there(root: Path) -> None:
    compose = yaml.safe_load((root / "grafana/compose.yaml").read_text())
    assert compose["services"].keys() == {"prometheus", "alertmanager", "grafana"}
    mounts = [mount for service in compose["services"].values() for mount in service["volumes"]]
    for source, place, *_ in (mount.split(":") for mount in mounts):
        assert (root / "grafana" / source).exists() if source.startswith("./") else source in compose["volumes"], place


def test_grafana_is_told_where_the_dashboards_are(root: Path) -> None:
    (provider,) = yaml.safe_load((root / "grafana/provisioning/dashboards/nissa.yaml").read_text())["providers"]
    compose = (root / "grafana/compose.yaml").read_text()
    assert f"./dashboards:{provider['options']['path']}:ro" in compose
    sources = yaml.safe_load((root / "grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    ports = {source["name"].lower(): source["url"].removeprefix("http://") for source in sources}
    assert all(f"--web.listen-address={port}" in compose for port in ports.values())
    config = yaml.safe_load((root / "grafana/prometheus.yaml").read_text())
    assert config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] == [ports["alertmanager"]]
    assert sources[0]["jsonData"]["timeInterval"] == config["global"]["scrape_interval"]


@pytest.mark.parametrize(
    ("limits", "value", "color"),
    [
        (thresholds.Limits(0.1, 0.5), 0.05, palette.FINE),
        (thresholds.Limits(0.1, 0.5), 0.1, palette.POOR),
        (thresholds.Limits(0.1, 0.5), 0.7, palette.BAD),
        (thresholds.Limits(0.3, 0.1, below=True), 0.05, palette.BAD),
        (thresholds.Limits(0.3, 0.1, below=True), 0.2, palette.POOR),
        (thresholds.Limits(0.3, 0.1, below=True), 0.3, palette.FINE),
        (thresholds.Limits(critical=1), 0.0, palette.FINE),
        (thresholds.Limits(critical=1), 1.0, palette.BAD),
        (thresholds.Limits(), 1e9, palette.FINE),
    ],
)
def test_the_last_step_that_a_value_reaches_gives_its_colour(
    limits: thresholds.Limits, value: float, color: str
) -> None:
    steps = limited(limits).build().steps
    reached = [-math.inf if step.value is None else step.value for step in steps]
    assert reached == sorted({-math.inf, *reached})
    assert [step.color for step, at in zip(steps, reached, strict=True) if value >= at][-1] == color


# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
BLINDNESS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(color: str, seen: Any) -> Any:
    """A colour in CIE L*a*b* (D65), as somebody sees it."""
    srgb = np.array([int(color[n : n + 2], 16) for n in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ np.clip(np.array(seen) @ linear, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_states_and_lines_are_told_apart_by_any_eye(blindness: str) -> None:
    """A difference of 10 in L*a*b* is seen at a glance; 2.3 is just noticed."""
    colors = {color for named in palette.NAMED.values() for color in named.values()}
    pairs = itertools.combinations(sorted(colors), 2)
    seen = {(a, b): np.linalg.norm(lab(a, BLINDNESS[blindness]) - lab(b, BLINDNESS[blindness])) for a, b in pairs}
    assert min(seen.values()) > 10, min(seen, key=lambda pair: float(seen[pair]))
    assert all(len({*named.values()}) == len(named) for named in palette.NAMED.values())
    states = itertools.combinations((palette.FINE, palette.POOR, palette.BAD), 2)
    assert min(float(seen[min(pair), max(pair)]) for pair in states) > 25


def test_what_a_collector_of_opentelemetry_is_given_is_sound(root: Path, tmp_path: Path) -> None:
    """Its receiver takes what Prometheus takes, which judges that part; a pipeline names what there is."""
    if shutil.which("promtool") is None:
        pytest.skip("no promtool on this machine: apt-get install prometheus")
    (block,) = re.findall(r"```text\n(receivers:\n.*?)```", (root / "docs/prometheus.md").read_text(), re.DOTALL)
    given = yaml.safe_load(block)
    for pipeline in given["service"]["pipelines"].values():
        assert pipeline == {part: [*given[part]] for part in ("receivers", "exporters")}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(given["receivers"]["prometheus"]["config"]))
    judged = ["promtool", "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(judged, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
