"""A real Prometheus scrapes a live run and knows what the run told."""

from typing import Any

from nissa.events.kinds import EpochCompleted
from nissa.pipeline.telemetry import Telemetry
from tests.samples import episode_started, epoch_completed
from tests.waiting import LIMIT


def test_a_real_prometheus_sees_the_values_of_a_live_run(prometheus: Any, epoch: EpochCompleted) -> None:
    with Telemetry("live", metrics=("127.0.0.1", 0)) as telemetry:
        env = telemetry.scope(group="ppo", env=3, episode=0, epoch=1)
        env.emit(episode_started())
        env.emit(epoch)
        env.emit(epoch_completed(val_accuracy=87.5))
        assert telemetry.flush(LIMIT)
        instance = prometheus.scrape(telemetry.metrics_url)
        at = prometheus.scraped(instance)
        where = f'instance="{instance}"'
        where_env = f'{where},run="live",group="ppo",env="3"'
        for promql, value in {
            f"nissa_val_accuracy_ratio{{{where_env}}}": 0.875,
            f"nissa_epochs_total{{{where_env}}}": 2.0,
            f"nissa_live_growth_ratio{{{where_env}}}": 1.0,
            f'nissa_events_total{{{where},kind="epoch_completed"}}': 2.0,
            f"sum(nissa_pipeline_dropped_total{{{where}}})": 0.0,
            f"nissa_pipeline_accepted_total{{{where}}} - nissa_pipeline_delivered_total"
            f" - nissa_pipeline_queued_events - sum without (kind) (nissa_pipeline_dropped_total)": 0.0,
            f"up{{{where}}}": 1.0,
        }.items():
            assert [found for _, found in prometheus.query(promql, at)] == [value], promql
        # OpenMetrics names a counter's family without its suffix.
        types = prometheus.get("targets/metadata", match_target=f"{{{where}}}", metric="nissa_epochs")
        assert [row["type"] for row in types] == ["counter"]
