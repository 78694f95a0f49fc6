"""`make bench`: every figure that the documents state, with the machine and the versions."""

import os
import platform
import sys
from importlib.metadata import version

from tests.benchmarks import (
    asking,
    attribution,
    burst,
    digits,
    emit,
    esper,
    feedback,
    fidelity,
    fossils,
    imitation,
    injected,
    memory,
    noticing,
    operators,
    probes,
    ranks,
    scalars,
    scale,
    scrape,
    slowdown,
    throughput,
)
from tests.benchmarks.detection import choosing, detectors, operating

BENCHMARKS = {
    "emit": emit.run,
    "scalars": scalars.run,
    "throughput": throughput.run,
    "slowdown": slowdown.run,
    "burst": burst.run,
    "esper": esper.run,
    "scrape": scrape.run,
    "probes": probes.run,
    "operators": operators.run,
    "noticing": noticing.run,
    "choosing": choosing.run,
    "operating": operating.run,
    "detectors": detectors.run,
    "digits": digits.run,
    "injected": injected.run,
    "feedback": feedback.run,
    "fossils": fossils.run,
    "fidelity": fidelity.run,
    "attribution": attribution.run,
    "imitation": imitation.run,
    "asking": asking.run,
    "memory": memory.run,
    "ranks": ranks.run,
    "scale": scale.run,
}


def main(names: list[str]) -> None:
    """Run the benchmarks named, or all."""
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("nissa", "reactivex", "orjson", "prometheus-client", "torch", "river")
    )
    print(f"{platform.machine()}, {os.cpu_count()} cores, CPython {platform.python_version()}, {packages}")
    print("Medians, with the range between the quartiles; other work on the machine is in the spread.")
    for name in names or BENCHMARKS:
        BENCHMARKS[name]()


main(sys.argv[1:])
