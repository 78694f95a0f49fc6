"""What a layer is: a module with trainable parameters of its own, called by its path.

>>> slot = nn.Sequential(nn.ReLU(), nn.Linear(2, 2))
>>> [(name, len(own)) for name, own in layers_of({"host": nn.Linear(2, 2), "early": slot}).items()]
[('host', 2), ('early.1', 2)]
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from torch import Tensor, nn
from torch.nn.parallel import DataParallel, DistributedDataParallel

__all__ = [
    "Parts",
    "belongs",
    "held",
    "is_shard",
    "layers_of",
    "modules_of",
    "unflattened",
    "unsharded",
    "unwrapped",
]

Parts = Mapping[str, nn.Module | None]
"""A network's "host", and its slots by their names; None for an empty one."""


def layers_of(parts: Parts) -> dict[str, list[nn.Parameter]]:
    """Trainable parameters by layer, each at the first place where it is met; a path starts with the part's name."""
    seen: set[nn.Parameter] = set()
    found: dict[str, list[nn.Parameter]] = {}
    for place, module in modules_of(parts):
        own = [p for p in module._parameters.values() if p is not None and p.requires_grad and p not in seen]
        if own:
            own = list(dict.fromkeys(own))
            seen.update(own)
            found[place] = own
    return found


def belongs(layer: str, part: str) -> bool:
    """Whether a layer lies in a part."""
    return layer == part or layer.startswith(f"{part}.")


def modules_of(parts: Parts) -> Iterator[tuple[str, nn.Module]]:
    """Every module of the parts, by the name of its part and its path there.

    What is a part itself, as a slot inside the host is, belongs to that part alone, whatever their order.
    """
    roots = {part: unwrapped(root) for part, root in parts.items() if root is not None}
    for part, root in roots.items():
        for path, module in _modules(root, {*roots.values()} - {root}):
            yield f"{part}.{path}" if path else part, module


def _modules(root: nn.Module, apart: Collection[nn.Module]) -> Iterator[tuple[str, nn.Module]]:
    """Every module below `root` that is not apart, once and without its wrapper, by its path without wrappers."""
    waiting, seen = [("", root)], {*apart}
    while waiting:
        path, module = waiting.pop()
        if module not in seen:
            seen.add(module)
            yield path, module
            children = [(name, unwrapped(child)) for name, child in module._modules.items() if child is not None]
            waiting += [(f"{path}.{name}" if path else name, child) for name, child in reversed(children)]


def unwrapped(module: nn.Module) -> nn.Module:
    """The module inside the wrappers of torch.compile, DistributedDataParallel and DataParallel."""
    while True:
        # Only torch.compile calls a child so; the class itself is a second's import.
        inner = module._modules.get("_orig_mod")
        if inner is None and isinstance(module, DistributedDataParallel | DataParallel):
            inner = module.module
        if inner is None:
            return module
        module = inner


def unsharded(tensors: Iterable[Tensor]) -> None:
    """Raise TypeError if a tensor is a DTensor or in the care of FSDP, so that each process holds a part of it."""
    for tensor in tensors:
        # Their classes are in modules that take a second to import.
        if is_shard(tensor) or hasattr(tensor, "_fsdp_flattened"):
            raise TypeError("sharded parameters (DTensor, FSDP) are not supported: a process holds only a part of each")


def is_shard(tensor: Tensor) -> bool:
    """Whether it is a DTensor, of which this process holds a part, as `fully_shard` makes them."""
    return hasattr(tensor, "full_tensor")


def held(tensor: Tensor) -> Tensor:
    """What this process holds of it: a part of a DTensor, and all of any other."""
    if not is_shard(tensor):
        return tensor
    local: Tensor = tensor.to_local()  # type: ignore[attr-defined]  # as every DTensor has it
    return local


def unflattened(tensors: Iterable[Tensor]) -> None:
    """Raise TypeError if a tensor is in the care of FullyShardedDataParallel, whose parts bear no layer's shape."""
    for tensor in tensors:
        if hasattr(tensor, "_fsdp_flattened"):
            raise TypeError(
                "sharded parameters of FullyShardedDataParallel are not supported, and those of fully_shard are"
            )
