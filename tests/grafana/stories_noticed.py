"""Stories of what the pipeline notices: it stands for a while, or it comes again and again."""

from tests.grafana.clocks import STARTED, lives
from tests.grafana.story import ENV, GROUP, Line, Story, steps

__all__ = ["STORIES"]

_HERE = "Run r1, group ppo, environment 0:"
_POLICY = "Run r1, group ppo:"
_THRICE = steps((0, 0), (10, 1), (11, 2), (40, 3), (41, 4), (42, 5))
"""Two at first, which are too few, and three half an hour later."""


def _standing(alert: str, name: str, description: str, wait: float = 1, where: str = "ENV") -> Story:
    """It is not scraped for a while, and over when it says so, or is not there any more."""
    return Story(
        alert=alert,
        name=f"{name} stands",
        series={f"nissa_alert_active@{where},alert={name}": steps((0, 0), (10, 1), (30, 0), (40, 1), (50, None))},
        missed=((20, 21.75),),
        silent=(9.75, 9.75 + wait, 30, 52),
        fires=(10 + wait, 21.5, 29.75, 51.75),
        labels={**(ENV if where == "ENV" else GROUP), "alert": name},
        description=description,
    )


def _again(alert: str, name: str, severity: str, description: str, where: str = "ENV") -> Story:
    wait = 5 if alert in {"NissaPolicyUnstable", "NissaRatioExplosion"} else 1
    return Story(
        alert=alert,
        name=f"{name} comes again and again",
        series={f"nissa_alerts_total@{where},alert={name},severity={severity}": _THRICE},
        silent=(9, 18, 41.75 + wait, 50.25),
        fires=(42 + wait, 49.75),
        labels={**(ENV if where == "ENV" else GROUP), "alert": name},
        description=description,
    )


def _spikes(name: str, raised: Line, batches: Line, fires: float) -> Story:
    return Story(
        alert="NissaLossSpike",
        name=name,
        series={"nissa_alerts_total@ENV,alert=loss_spike,severity=warning": raised, "nissa_batches_total@ENV": batches},
        silent=(9, 14, 18, fires - 0.25, 50.25),
        fires=(fires, 49.75),
        labels={**ENV, "alert": "loss_spike"},
        description=f"{_HERE} {fires - 40:.0f} loss spikes stand, or about as many came in the last ten minutes.",
    )


def _late(spikes: float) -> dict[str, Line]:
    """Minutes after it started a run is first scraped, which had so many by then and has no more."""
    return {
        **lives((9, 99)),
        STARTED: steps((0, None), (9, 240)),
        "nissa_alerts_total@ENV,alert=loss_spike,severity=warning": steps((0, None), (9, spikes)),
        "nissa_batches_total@ENV": lambda minute: None if minute < 9 else 300 * (minute - 4),
    }


def _entropy(alert: str, severity: str, percent: int, wait: float) -> Story:
    where = f"GROUP,alert=entropy_collapse,severity={severity}"
    return Story(
        alert=alert,
        name=f"entropy is {severity}",
        series={
            f"nissa_alerts_total@{where}": steps((0, 0), (5, 1), (10, 2), (40, 3), (50, None)),
            f"nissa_alerts_resolved_total@{where}": steps((0, 0), (5, 1), (30, 2), (50, None)),
        },
        missed=((20, 21.75),),
        silent=(9.75, 9.75 + wait, 30, 52),
        fires=(10 + wait, 21.5, 29.75, 51.75),
        labels={**GROUP, "alert": "entropy_collapse"},
        description=f"{_POLICY} 1 heads use under {percent}% of the entropy that they may have.",
    )


_JOB, _NAMES = "Job r1, group ppo:", "`nissa show` of the job names it."
_NON_FINITE = "non-finite figures stand, or about as many came in the last ten minutes."
_EXPLOSIONS = "gradient explosions stand, or about as many came in the last ten minutes."
_SPIKED = "loss spikes stand, or about as many came in the last ten minutes."
_RATIO = f"{_POLICY} the largest probability ratio of an update is over 20."
_BROKEN = "nissa_alerts_total@ENV,alert=non_finite,severity=critical"

STORIES = (
    _standing("NissaNonFinite", "non_finite", f"{_HERE} 1 {_NON_FINITE}"),
    _standing("NissaNonFinite", "non_finite", f"{_POLICY} 1 {_NON_FINITE}", where="GROUP"),
    _again("NissaNonFinite", "non_finite", "critical", f"{_HERE} 3 {_NON_FINITE}"),
    _standing("NissaGradientExplosion", "gradient_explosion", f"{_HERE} 1 {_EXPLOSIONS}"),
    _again("NissaGradientExplosion", "gradient_explosion", "critical", f"{_HERE} 3 {_EXPLOSIONS}"),
    _standing("NissaLossSpike", "loss_spike", f"{_HERE} 1 {_SPIKED}"),
    # Of 700 batches in ten minutes three are no more than noise, and four are.
    _spikes(
        "more spikes than noise",
        steps((0, 0), (10, 1), (11, 2), (12, 3), (40, 4), (41, 5), (42, 6), (43, 7)),
        lambda minute: 70 * minute,
        fires=44,
    ),
    _spikes("spikes in few batches", _THRICE, lambda minute: 10 * minute, fires=43),
    _standing("NissaAccuracyDrop", "accuracy_drop", "Run r1, group ppo, environment 0 lost accuracy.", wait=5),
    _entropy("NissaEntropyCollapse", "critical", percent=10, wait=1),
    _entropy("NissaEntropyLow", "warning", percent=30, wait=5),
    _standing(
        "NissaValueCollapse",
        "value_collapse",
        f"{_POLICY} advantages are noise, and the policy learns from them.",
        where="GROUP",
    ),
    _standing("NissaPolicyUnstable", "degenerate_returns", f"{_POLICY} degenerate_returns.", wait=5, where="GROUP"),
    _again("NissaPolicyUnstable", "kl_spike", "warning", f"{_POLICY} kl_spike.", where="GROUP"),
    _standing("NissaPolicyUnstable", "kl_spike", "Run r1, group ppo, environment 0: kl_spike.", wait=5),
    _standing("NissaPolicyStalled", "policy_stalled", f"{_POLICY} policy_stalled.", where="GROUP"),
    _standing("NissaPolicyStalled", "policy_unmoved", f"{_POLICY} policy_unmoved.", where="GROUP"),
    _standing("NissaAccountMismatch", "account_mismatch", f"{_HERE} an end contradicts its events."),
    _standing("NissaImplausibleValue", "implausible_value", f"{_HERE} a number is out of its declared range or unit."),
    _standing("NissaRankStraggler", "rank_straggler", f"{_JOB} one rank holds the others up; {_NAMES}"),
    _standing("NissaRankDiverged", "rank_diverged", f"{_JOB} one rank goes another way; {_NAMES}"),
    _standing("NissaRankSilent", "rank_silent", f"{_JOB} one rank tells nothing; {_NAMES}"),
    _standing("NissaRatioExplosion", "ratio_explosion", _RATIO, wait=5, where="GROUP"),
    _again("NissaRatioExplosion", "ratio_explosion", "critical", _RATIO, where="GROUP"),
    Story(
        alert="NissaPolicyUnstable",
        name="a series that is new, or was not there for over an hour, counts whole",
        series={
            "nissa_alerts_total@GROUP,alert=kl_spike,severity=warning": steps(
                *((0, None), (2, 3), (32, 4), (33, 5), (34, 6), (45, None)),
                *((90, 6), (92, 7), (93, 8), (94, 9), (110, None), (200, 9), (206, None)),
            )
        },
        missed=((9, 10.75),),
        silent=(6.75, 12, 38.75, 43, 91, 98.75, 204.75, 208),
        fires=(7, 10.5, 11.75, 40, 100, 205, 207.75),
        labels={**GROUP, "alert": "kl_spike"},
        description=f"{_POLICY} kl_spike.",
    ),
    Story(
        alert="NissaLossSpike",
        name="Prometheus begins to scrape an old run, which had some",
        series={"nissa_alerts_total@ENV,alert=loss_spike,severity=warning": steps((0, 9))},
        missed=((0, 60),),
        silent=(61.25, 66.25, 69.75, 71.25),
    ),
    Story(
        alert="NissaLossSpike",
        name="a run is first scraped after five minutes, in which it had three in 1,500 batches",
        series=_late(3),
        silent=(10, 10.25, 11, 12, 20),
    ),
    Story(
        alert="NissaLossSpike",
        name="a run is first scraped after five minutes, in which it had twenty in 1,500 batches",
        series=_late(20),
        silent=(9.75, 20),
        fires=(10, 13),
        labels={**ENV, "alert": "loss_spike"},
        description=f"{_HERE} 20 {_SPIKED}",
    ),
    # Of 3,400 batches in ten minutes a scaler may skip three, and not four.
    Story(
        alert="NissaNonFinite",
        name="a scaler skips steps, and then too many",
        series={
            _BROKEN: steps((0, 0), (10, 1), (11, 2), (12, 3), (40, 4), (41, 5), (42, 6), (43, 7)),
            "nissa_batches_total@ENV": lambda minute: 340 * minute,
        },
        silent=(9, 14, 18, 43.75, 50.25),
        fires=(44, 49.75),
        labels={**ENV, "alert": "non_finite"},
        description=f"{_HERE} 4 {_NON_FINITE}",
    ),
    *(
        Story(
            alert=alert,
            name="one step breaks the figures of the host and of two seeds",
            series={f"nissa_alerts_total@ENV,alert={name},severity=critical": steps((0, 0), (40, 3))},
            silent=(39, 42, 49),
        )
        for alert, name in (("NissaNonFinite", "non_finite"), ("NissaGradientExplosion", "gradient_explosion"))
    ),
    Story(
        alert="NissaNonFinite",
        name="the run is scraped no more, and five minutes later it is not alive",
        series={
            _BROKEN: steps((0, 0), (9.5, 1), (10, 2), (11, 3), (14, None)),
            "nissa_run_last_event_timestamp_seconds@RUN": steps((0, 0), (14, None)),
        },
        silent=(8, 19),
        fires=(12, 18.75),
        labels={**ENV, "alert": "non_finite"},
        description=f"{_HERE} 3 {_NON_FINITE}",
    ),
)
