"""No more of a colour correction is taken than noise allows."""

from __future__ import annotations

import torch

from modisp.color.spaces import LUMA
from modisp.operators.rational import BRIGHT, GREYS, NOISE, TERMS, calm, correct, near_grey

MANY = 64


def _drawn() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Coefficients, matrices and gains of cameras that never were."""
    g = torch.Generator().manual_seed(8)
    skew = 0.2 * torch.randn(MANY, 3, 3, generator=g)
    gains = torch.ones(MANY, 3)
    gains[:, ::2] = torch.exp2(2 * torch.rand(MANY, 2, generator=g))
    return 0.3 * torch.randn(MANY, 3, TERMS, generator=g), torch.eye(3) + skew - skew.mean(2, keepdim=True), gains


def test_a_share_is_taken_that_lets_grey_noise_grow_a_little() -> None:
    wanted, matrix, gains = _drawn()
    numbers = calm(wanted, matrix, gains)
    share = (numbers * wanted).sum((1, 2)) / wanted.square().sum((1, 2))
    assert torch.allclose(numbers, wanted * share[:, None, None], atol=1e-5)
    assert float(share.min()) < 0.9 and bool((share <= 1).all())
    linear = numbers[..., :3]
    at_grey = matrix + linear - linear.roll(1, -1)
    for variance in (gains, gains**2):
        grown = ((at_grey**2 * variance[:, None]).sum((1, 2)) / (matrix**2 * variance[:, None]).sum((1, 2))).sqrt()
        assert float(grown.max()) < NOISE + 1e-3
    assert torch.equal(calm(0 * wanted, matrix, gains), 0 * wanted)
    assert torch.allclose(calm(wanted, matrix, gains, torch.zeros(MANY, 3, 2)), numbers, atol=1e-3)


def test_strong_noise_that_is_told_lets_less_be_taken() -> None:
    wanted, matrix, gains = _drawn()
    noise = torch.stack([64e-4 * gains, 4.5e-5 * gains**2], -1)
    calmer = calm(wanted, matrix, gains, noise)
    assert float(calmer.abs().sum()) < 0.99 * float(calm(wanted, matrix, gains).abs().sum())
    drawn = torch.randn(3, 1, 20_000, generator=torch.Generator().manual_seed(9))
    for level in GREYS:
        spread = (noise[..., 0] * level + noise[..., 1]).sqrt()
        for i in range(0, MANY, 8):
            seen = level + spread[i, :, None, None] * drawn
            grown = correct(matrix[i], calmer[i], seen).var(2).sum() / (matrix[i] @ seen[:, 0]).var(1).sum()
            assert float(grown.sqrt()) < NOISE + 0.03


def test_luminance_is_held_too() -> None:
    wanted, matrix, gains = _drawn()
    numbers, weights = calm(wanted, matrix, gains), torch.tensor(LUMA)
    for variance in (gains, gains**2):
        grown = (((weights @ m) ** 2 * variance).sum(1).sqrt() for m in (near_grey(matrix, numbers), matrix))
        assert float((next(grown) / next(grown)).max()) < BRIGHT + 1e-3


def test_the_matrix_that_a_chart_calls_for_is_kept() -> None:
    wanted, matrix, gains = _drawn()
    numbers = calm(wanted, matrix, gains, torch.stack([64e-4 * gains, 4.5e-5 * gains**2], -1), chart=True)
    assert torch.equal(numbers[..., :3], wanted[..., :3])
    assert float(numbers[..., 3:].abs().sum()) < 0.999 * float(wanted[..., 3:].abs().sum())
