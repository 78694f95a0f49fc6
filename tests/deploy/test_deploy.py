"""What is deployed is sound on paper: schemas, names of hosts and folders, and commands that there are."""

import configparser
import re
import shlex
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from nissa.cli.main import main

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
OBJECTS: list[dict[str, Any]] = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "nissa-cluster.yaml").read_text()))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
FLINK: dict[str, Any] = yaml.safe_load((DEPLOY / "flink" / "config.yaml").read_text())
KUBERNETES = "1.34"


def named(one: dict[str, Any]) -> str:
    return f"{one['kind']} {one['metadata']['name']}"


def pods() -> dict[str, dict[str, Any]]:
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in OBJECTS if "template" in one.get("spec", {})
    }


def unit(file: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(file)
    return parser["Service"]


def commands() -> dict[str, list[str]]:
    """Every command of Nissa's own that anything here runs, by where it stands."""
    found = {file.name: shlex.split(unit(file)["ExecStart"]) for file in UNITS}
    found |= {
        f"compose {name}": told if isinstance(told := service["command"], list) else shlex.split(told)
        for name, service in COMPOSE["services"].items()
    }
    found |= {f"pod {name}": pod["containers"][0]["command"] for name, pod in pods().items()}
    return {place: words for place, words in found.items() if words[0].endswith("nissa")}


@pytest.mark.parametrize("one", OBJECTS, ids=map(named, OBJECTS))
def test_an_object_is_as_the_schema_of_kubernetes_has_it(one: dict[str, Any]) -> None:
    kubernetes_validate.validate(one, KUBERNETES, strict=True)


def test_the_test_before_notices_what_is_not_there() -> None:
    (claim,) = [one for one in OBJECTS if one["kind"] == "PersistentVolumeClaim"]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**claim, "spec": claim["spec"] | {"modes": []}}, KUBERNETES, strict=True)


def test_a_service_leads_to_pods_and_pods_mount_what_there_is() -> None:
    claims = {one["metadata"]["name"] for one in OBJECTS if one["kind"] == "PersistentVolumeClaim"}
    for one in OBJECTS:
        assert one["kind"] != "Service" or one["spec"]["selector"]["app"] in pods(), named(one)
        assert one["kind"] == "Namespace" or one["metadata"]["namespace"] == "nissa", named(one)
    for name, pod in pods().items():
        made = {volume["name"] for volume in pod["volumes"] or []} | ({"data"} if name == "zookeeper" else set())
        assert {mount["name"] for mount in pod["containers"][0]["volumeMounts"]} == made
        assert {
            volume["persistentVolumeClaim"]["claimName"]
            for volume in pod["volumes"]
            if "persistentVolumeClaim" in volume
        } <= claims


def test_kubernetes_has_flinks_configuration_as_all_others_do() -> None:
    (told,) = [one["data"] for one in OBJECTS if one["kind"] == "ConfigMap"]
    assert told == {file.name: file.read_text() for file in (DEPLOY / "flink").iterdir()}


def test_hosts_of_the_configuration_are_services_everywhere() -> None:
    hosts = {FLINK["jobmanager.rpc.address"], FLINK["rest.address"]}
    hosts.add(FLINK["high-availability.zookeeper.quorum"].partition(":")[0])
    assert hosts <= COMPOSE["services"].keys()
    assert hosts == {one["metadata"]["name"] for one in OBJECTS if one["kind"] == "Service"}


@pytest.mark.parametrize("place", commands())
def test_a_command_is_one_that_there_is_and_its_folders_are_those_that_are_mounted(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [part for word in commands()[place][1:] for part in word.split("=", 1)]
    with pytest.raises(SystemExit) as ended:
        main([*words[:2], "--help"])
    assert ended.value.code == 0
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    given = dict(zip(words[2::2], words[3::2], strict=True))
    assert given.keys() <= known
    folders = {"--logs": "/shared/runs", "--out": "/shared/derived", "--checkpoints": "/shared/checkpoints"}
    assert all(given[name] == folder for name, folder in folders.items() if name in given)
    assert given.get("--rest", "http://jobmanager:8081") == "http://jobmanager:8081"


def test_every_process_is_ended_with_all_that_it_began() -> None:
    assert {unit(file)["KillMode"] for file in UNITS} == {"control-group"}
    assert [name for name in COMPOSE["services"] if name.startswith("taskmanager")] == [
        "taskmanager-1",
        "taskmanager-2",
    ]


def test_nothing_but_this_machine_reaches_what_compose_offers() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_each_file_says_what_of_it_was_run_and_what_was_not() -> None:
    for file in (file for file in DEPLOY.rglob("*") if file.is_file()):
        head = file.read_text()[:900]
        assert re.search(r"^#.*\bUnrun: ", head, re.MULTILINE), file
