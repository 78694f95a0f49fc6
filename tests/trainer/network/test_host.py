"""Host and blueprints have the sizes, shapes and costs that they are said to have."""

from itertools import combinations_with_replacement

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import datasets
from torch.nn.functional import scaled_dot_product_attention

from nissa.trainer.data.digits import batches, load_digits, load_held_out
from nissa.trainer.network.blueprints import BLUEPRINTS
from nissa.trainer.network.flops import host_flops, seed_flops
from nissa.trainer.network.host import SIDE, SLOT_CHANNELS, n_params, new_host
from nissa.trainer.network.seed import Seed


def test_the_host_has_the_parameters_of_its_layers() -> None:
    layers = (1 * 9 + 1) * 7 + (7 * 9 + 1) * 8 + (8 * 9 + 1) * 8 + (8 + 1) * 10
    assert n_params(new_host(0)) == layers == 1256


@given(st.tuples(*(st.integers(1, 20),) * 3))
def test_a_host_of_other_channels_has_the_parameters_of_its_layers(channels: tuple[int, int, int]) -> None:
    a, b, c = channels
    assert n_params(new_host(0, channels)) == 10 * a + (9 * a + 1) * b + (9 * b + 1) * c + 10 * (c + 1)


def test_operations_of_the_host_are_two_for_each_multiplication() -> None:
    convolutions = 64 * 7 * 9 + 16 * 8 * 7 * 9 + 16 * 8 * 8 * 9
    assert host_flops() == 2 * (convolutions + 8 * 10)


def test_the_same_seed_gives_the_same_host_and_leaves_the_global_generator_alone() -> None:
    state = torch.get_rng_state()
    first, again, other = new_host(1), new_host(1), new_host(2)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(first.fc.weight, again.fc.weight)
    assert not torch.equal(first.fc.weight, other.fc.weight)


@pytest.mark.parametrize("slot", SLOT_CHANNELS)
@pytest.mark.parametrize("blueprint", BLUEPRINTS)
def test_a_new_seed_keeps_the_shape_and_corrects_nothing_yet(blueprint: str, slot: str) -> None:
    channels = SLOT_CHANNELS[slot]
    x = torch.randn(2, channels, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    seed = Seed("s", blueprint, "linear", channels, torch_seed=0, accuracy=0.0)
    assert torch.equal(seed(x), torch.zeros_like(x))
    assert seed_flops(blueprint, channels) > 0


def test_growth_lies_between_1_05_and_2_for_any_one_to_three_seeds() -> None:
    slots = list(SLOT_CHANNELS.values())
    size = {(b, c): n_params(make(c)) for b, make in BLUEPRINTS.items() for c in slots}
    for n in (1, 2, 3):
        for chosen in combinations_with_replacement(BLUEPRINTS, n):
            for channels in ((7, 8, 8)[:n], (8, 8, 7)[:n]):
                added = sum(size[b, c] for b, c in zip(chosen, channels, strict=True))
                assert 1.05 <= 1 + added / 1256 <= 2


def test_attention_is_scaled_dot_product_attention_over_the_pixels() -> None:
    channels, seed = 8, Seed("s", "attention", "linear", 8, torch_seed=0, accuracy=0.0)
    draws = torch.Generator().manual_seed(0)
    with torch.no_grad():
        seed.get_parameter("body.out.weight")[:, :, 0, 0] = torch.eye(channels)
    x = torch.randn(2, channels, SIDE, SIDE, generator=draws)
    weight = 3 * seed.get_parameter("body.queries_keys_values.weight").detach()
    with torch.no_grad():
        seed.get_parameter("body.queries_keys_values.weight").copy_(weight)
    rows = x.flatten(2).transpose(1, 2) @ weight[:, :, 0, 0].T + seed.get_parameter("body.queries_keys_values.bias")
    q, k, v = rows.chunk(3, dim=-1)
    expected = scaled_dot_product_attention(q, k, v).transpose(1, 2).view_as(x)
    assert torch.allclose(seed(x), expected, atol=1e-5)


def test_the_data_are_split_once_and_for_all_and_scaled() -> None:
    data = load_digits()
    assert data.train_images.shape == (1077, 1, 8, 8)
    assert data.val_images.shape == (360, 1, 8, 8)
    assert load_held_out().images.shape == (360, 1, 8, 8)
    parts = [(data.train_images, data.train_labels), (data.val_images, data.val_labels), load_held_out()]
    images, labels = (torch.cat([part[which] for part in parts]) for which in (0, 1))
    whole = datasets.load_digits()
    rows = np.column_stack([16 * images.flatten(1).numpy(), labels.numpy()])
    expected = np.column_stack([whole.data, whole.target])
    assert np.array_equal(rows[np.lexsort(rows.T)], expected[np.lexsort(expected.T)])
    assert data.train_images.min() == 0.0
    assert data.train_images.max() == 1.0


def test_an_epoch_shows_every_image_once() -> None:
    seen = list(batches(load_digits(), torch.Generator().manual_seed(0)))
    assert [len(labels) for _, labels in seen] == [64] * 16 + [53]
    shown = torch.cat([images for images, _ in seen]).sum((1, 2, 3)).sort().values
    assert torch.equal(shown, load_digits().train_images.sum((1, 2, 3)).sort().values)
