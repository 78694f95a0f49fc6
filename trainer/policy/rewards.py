"""What an epoch earned the policy, by component."""

__all__ = ["CULLED", "FOSSILIZED", "RENT", "reward_components"]

RENT = 0.05
FOSSILIZED = 1.0
CULLED = -0.2


def reward_components(
    *,
    accuracy_delta: float,
    twin_delta: float,
    kept_delta: float,
    growth_ratio: float,
    fossilized: bool,
    culled: bool,
) -> dict[str, float]:
    """In percentage points of validation accuracy.

    `accuracy` is the change over the epoch, `twin` minus that of the host trained alone, and `kept`, in the last epoch,
    what the end then takes or gives: accuracy of the network that is kept minus that of the one with all its seeds. So
    their sum over an episode is what growing gained, for the network that is kept; no action changes the twin, so it
    takes noise away and moves no optimum. `rent` prices the seeds present, per epoch and per size of the host. The rest
    rewards commitment and prices waste.
    """
    return {
        "accuracy": accuracy_delta,
        "twin": -twin_delta,
        "kept": kept_delta,
        "rent": -RENT * (growth_ratio - 1),
        "fossilized": FOSSILIZED * fossilized,
        "culled": CULLED * culled,
    }
