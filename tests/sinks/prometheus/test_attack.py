"""A small attack on /metrics: the scraper is served, the training goes on, and who is slow is cut."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from nissa.pipeline.telemetry import Telemetry
from tests.sinks.prometheus.attack import Training, While, attacked


@pytest.mark.deep
def test_under_a_small_attack_the_scraper_is_served_and_the_training_goes_on(prometheus: Any) -> None:
    with Telemetry("attacked", metrics=0, linger=0) as telemetry:
        url, training = str(telemetry.metrics_url), Training(telemetry)
        instance = prometheus.scrape(url)
        counts = {"idle": 30, "slow": 10, "quick": 10}
        found = attacked(training, prometheus, instance, While(7.0, urlsplit(url).port, counts))
    # On a machine without time left one may be late.
    assert found.worked >= found.scrapes - 1 > 0
    assert found.clients["slow cut"] >= 10
    assert found.clients["idle cut"] >= 30, "nobody stays who says nothing"
    assert found.clients["quick 200"] > 0
    assert found.steps
