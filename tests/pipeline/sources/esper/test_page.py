"""The page about esper-lite says what the code does, and its table says what a real log shows."""

from collections import defaultdict
from typing import Any

from nissa.pipeline.sources.esper.rules_table import RULES
from tests.pipeline.sources.esper.mapping import PAGE, page


def test_the_tables_of_the_page_are_those_of_the_code() -> None:
    text = PAGE.read_text()
    assert page(text) == text, "write them anew: python -m tests.pipeline.sources.esper.mapping"


def test_what_the_table_says_of_the_envelopes_epoch_is_so_in_a_real_log(esper_rows: list[dict[str, Any]]) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    # A round begins where the epochs of an environment begin again, and each has as many episodes as environments.
    environments = next(row["data"]["n_envs"] for row in esper_rows if row["event_type"] == "TRAINING_STARTED")
    episodes = environments
    for row in esper_rows:
        data, told = row["data"], row["epoch"]
        name = f"{row['event_type']} {data['kind']}" if "kind" in data else row["event_type"]
        if row["event_type"] == "EPOCH_COMPLETED":
            episodes = (data["episode_idx"] // environments + 1) * environments
        meanings = {
            "not set": None,
            "host epoch": data.get("inner_epoch", data.get("epoch")),
            "episode": data.get("episode_idx"),
            "episodes by the end of the round": episodes,
        }
        if name in RULES and told != meanings.get(RULES[name].envelope_epoch, told):
            found[name].add(f"{told} is not {RULES[name].envelope_epoch}")
    assert not found
