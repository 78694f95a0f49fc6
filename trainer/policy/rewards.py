"""What an epoch earned the policy, by component."""

__all__ = ["COMPUTE", "RENT", "reward_components"]

RENT = 0.05
COMPUTE = 0.05


def reward_components(
    *,
    accuracy_delta: float,
    twin_delta: float,
    kept_delta: float,
    growth_ratio: float,
    flops_ratio: float | None = None,
) -> dict[str, float]:
    """In percentage points of validation accuracy.

    `accuracy` is the change over the epoch, `twin` minus that of the host trained alone, and `kept`, in the last epoch,
    what the end then takes or gives: accuracy of the network that is kept minus that of the one with all its seeds. So
    their sum over an episode is what growing gained, for the network that is kept; no action changes the twin, so it
    takes noise away and moves no optimum. `rent` prices the seeds present, per epoch and per size of the host;
    `compute`, where a `flops_ratio` is given, the operations of their forward pass, per epoch and per those of the
    host. No operation earns anything by itself: the best return is the best kept accuracy, less rent.
    """
    compute = {} if flops_ratio is None else {"compute": -COMPUTE * (flops_ratio - 1)}
    return {
        "accuracy": accuracy_delta,
        "twin": -twin_delta,
        "kept": kept_delta,
        "rent": -RENT * (growth_ratio - 1),
    } | compute
