"""Stories of growing that does not pay, each with a twin in it that is just within the limit."""

from tests.grafana.clocks import ENDED, LAST, stuck
from tests.grafana.story import ENV, GROUP, Line, Story, steps

__all__ = ["STORIES"]


def _counting(*minutes: float) -> Line:
    """A counter that goes up by one in each of these minutes."""
    return lambda now: sum(minute <= now for minute in minutes)


_POLICY, _GATE = "ENV,blueprint=norm,initiator=policy", "ENV,blueprint=attention,initiator=gate"
_OTHER = "GROUP,env=1,blueprint=norm,initiator=policy"

STORIES = (
    Story(
        alert="NissaGateFailing",
        name="G2 is asked 19 times, and later 20 times, and opens at last",
        series={
            "nissa_gate_evaluations_total@ENV,gate=G2": _counting(*range(10, 101, 5), *range(230, 480, 5)),
            "nissa_gate_passes_total@ENV,gate=G2": _counting(115, 380),
        },
        silent=(109, 339, 380, 470),
        fires=(340, 379),
        labels={**ENV, "gate": "G2"},
        description="Run r1, group ppo, environment 0: G2 was asked about 23 times.",
        step=1,
    ),
    Story(
        alert="NissaGateFailing",
        name="G2 of a slow training is asked three times an hour, and opened last twelve hours ago",
        series={
            "nissa_gate_evaluations_total@ENV,gate=G2": _counting(*range(20, 801, 20)),
            "nissa_gate_passes_total@ENV,gate=G2": _counting(10),
        },
        silent=(430, 744, 1140),
        fires=(745, 1139),
        labels={**ENV, "gate": "G2"},
        description="Run r1, group ppo, environment 0: G2 was asked about 36 times.",
        step=1,
    ),
    Story(
        alert="NissaCullingThrash",
        name="19 seeds culled, then 27 for 3 fossils, then 20 for 2 fossils",
        series={
            f"nissa_seeds_culled_total@{_POLICY}": _counting(*range(10, 29), *range(150, 168), *range(300, 310)),
            f"nissa_seeds_culled_total@{_GATE}": _counting(*range(168, 177), *range(310, 315)),
            f"nissa_seeds_culled_total@{_OTHER}": _counting(*range(315, 320)),
            "nissa_seeds_fossilized_total@ENV,blueprint=norm": _counting(150, 151, 230, 300),
            "nissa_seeds_fossilized_total@GROUP,env=1,blueprint=attention": _counting(152, 301),
        },
        silent=(60, 200, 209, 333, 360),
        fires=(334, 359),
        labels=GROUP,
        description="Run r1, group ppo culled about 20 seeds in an hour.",
        step=1,
    ),
    Story(
        alert="NissaGrowthWithoutGain",
        name="no better than its twin, first small and then grown by a fifth",
        series={
            "nissa_episode_kept_accuracy_ratio@ENV": steps((0, 0.95), (100, 0.92), (280, 0.96), (281, 0.92)),
            "nissa_episode_kept_growth_ratio@ENV": steps((0, 1.1), (200, 1.3)),
        },
        silent=(99, 199, 239, 280, 335, 350),
        fires=(240, 279, 351),
        labels=ENV,
        description="Run r1, group ppo, environment 0 keeps 1.23 times its host, without a gain in accuracy over the"
        " last hour.",
        step=1,
    ),
    Story(
        alert="NissaGrowthWithoutGain",
        name="nobody tells what the twin had then, and later somebody does",
        series={
            "nissa_episode_twin_accuracy_ratio@ENV": steps((0, None), (150, 0.95)),
            "nissa_episode_kept_accuracy_ratio@ENV": steps((0, 0.9), (250, 0.99)),
        },
        silent=(99, 149, 159, 285),
        fires=(160, 281),
        labels=ENV,
        description="Run r1, group ppo, environment 0 keeps 1.30 times its host, without a gain in accuracy over the"
        " last hour.",
        step=1,
    ),
    Story(
        alert="NissaGrowthWithoutGain",
        name="the first episode ends, and says little of an hour that has just begun",
        series={
            "nissa_episode_kept_growth_ratio@ENV": steps((0, None), (60, 1.3)),
            "nissa_episode_kept_accuracy_ratio@ENV": steps((0, None), (60, 0.92)),
        },
        silent=(61, 90, 119),
        fires=(120, 140),
        labels=ENV,
        description="Run r1, group ppo, environment 0 keeps 1.30 times its host, without a gain in accuracy over the"
        " last hour.",
        step=1,
    ),
    Story(
        alert="NissaOverMutation",
        name="episodes of ten minutes, which begin at 1 and end at more and more",
        series={
            "nissa_live_growth_ratio@ENV": lambda minute: 1 if minute % 10 < 3 else 1.6 if minute < 70 else 1.4,
            "nissa_episode_kept_growth_ratio@ENV": steps((0, 1.3), (10, 1.49), (40, 1.5), (70, None)),
        },
        missed=((41, 43),),
        silent=(39, 47, 72),
        fires=(48, 71),
        labels=ENV,
        description="Run r1, group ppo, environment 0 grows to 1.60 times its host.",
        step=1,
    ),
    Story(
        alert="NissaOverMutation",
        name="the run has ended, and its process lives on",
        series={
            "nissa_live_growth_ratio@ENV": steps((0, 1.6)),
            LAST: stuck(10, 99),
            ENDED: steps((0, None), (10, 600)),
        },
        silent=(9, 16, 40, 98),
        step=1,
    ),
    Story(
        alert="NissaOverMutation",
        name="just below one and a half times the host, and then at it",
        series={
            "nissa_live_growth_ratio@ENV": steps((0, 1.3), (10, 1.49), (40, 1.5), (70, 1.3), (90, 1.6), (120, None))
        },
        missed=((50, 52),),
        silent=(39, 54, 70, 122),
        fires=(55, 69, 121),
        labels=ENV,
        description="Run r1, group ppo, environment 0 grows to 1.50 times its host.",
        step=1,
    ),
)
