"""What can the next policy learn from? Runs as a data set that explains itself: a folder, written whole or not at all.

    pack.json            for reading: configuration, features, episodes with their decisions; an episode a line
    decisions.parquet    for training: the same decisions, a row each
    episodes.parquet     the same episodes, a row each
    schema.json          the JSON Schema of pack.json
    manifest.json        version of the format, bytes and SHA-256 of each file

The same runs in the same order give the same bytes. It needs `pip install 'nissa[query]'`.
"""

from nissa.sinks.data_pack.columns import decision_rows, decisions_schema, episode_row, episodes_schema
from nissa.sinks.data_pack.data_pack import DataPack
from nissa.sinks.data_pack.files import DECISIONS, EPISODES, MANIFEST, OPENING, PACK, SCHEMA, PackError, digest
from nissa.sinks.data_pack.structure import FORMAT, Episode, PackHead, json_schema

__all__ = [
    "DECISIONS",
    "EPISODES",
    "FORMAT",
    "MANIFEST",
    "OPENING",
    "PACK",
    "SCHEMA",
    "DataPack",
    "Episode",
    "PackError",
    "PackHead",
    "decision_rows",
    "decisions_schema",
    "digest",
    "episode_row",
    "episodes_schema",
    "json_schema",
]
