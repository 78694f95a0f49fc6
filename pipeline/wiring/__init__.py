"""What is a run made of? Hub, operators, sinks and the server of its metrics, put together and given back together."""

from nissa.pipeline.wiring.asking import asked_for
from nissa.pipeline.wiring.in_job import shared_out
from nissa.pipeline.wiring.metrics_address import address
from nissa.pipeline.wiring.one_process import in_one_process
from nissa.pipeline.wiring.two_processes import in_two_processes
from nissa.pipeline.wiring.wiring import Asked, Wiring

__all__ = ["Asked", "Wiring", "address", "asked_for", "in_one_process", "in_two_processes", "shared_out"]
