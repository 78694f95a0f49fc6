"""What a layer is: a module with trainable parameters of its own, called by its path.

>>> slot = nn.Sequential(nn.ReLU(), nn.Linear(2, 2))
>>> [(name, len(own)) for name, own in layers({"host": nn.Linear(2, 2), "early": slot}).items()]
[('host', 2), ('early.1', 2)]
"""

from collections.abc import Mapping

from torch import nn

__all__ = ["layers"]


def layers(parts: Mapping[str, nn.Module]) -> dict[str, list[nn.Parameter]]:
    """Trainable parameters by layer, each at the first place where it is met; a path starts with the part's name."""
    seen: set[nn.Parameter] = set()
    found: dict[str, list[nn.Parameter]] = {}
    for part, root in parts.items():
        for path, module in root.named_modules():
            own = [p for p in module.parameters(recurse=False) if p.requires_grad and p not in seen]
            seen.update(own)
            if own:
                found[f"{part}.{path}" if path else part] = own
    return found
