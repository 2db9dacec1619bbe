"""Training colour correction: what a step sees is true to the spectra, and a network learns from it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from modisp.nets.color import TERMS, TRAITS, Color
from modisp.train import color


@pytest.fixture(scope="module")
def stock(data: Path, tmp_path_factory: pytest.TempPathFactory) -> color.Stock:
    if not (data / "colour" / "camera").is_dir():
        pytest.skip("there are no camera sensitivities among the data")
    return color.Stock(data, tmp_path_factory.mktemp("stock"), cameras=8)


def test_an_example_is_what_a_camera_sees_and_what_is_true(stock: color.Stock) -> None:
    told, matrix, chart, known, seen, wanted, weight = stock.draw(12, 20, torch.Generator().manual_seed(1))
    assert told.shape == (12, TRAITS)
    assert chart.shape == (12, 3 * TERMS + 2)
    assert seen.shape == wanted.shape == (12, 20, 3)
    assert weight.shape == (12, 20)
    assert set(known.flatten().tolist()) <= {0.0, 1.0}
    assert torch.isfinite(torch.cat([told.flatten(), matrix.flatten(), chart.flatten(), wanted.flatten()])).all()
    group, which = torch.arange(4), torch.zeros(4, dtype=torch.long)
    white, true = stock.photograph(group, which, torch.ones(4, 1, 81))
    assert torch.allclose(white, torch.ones(4, 1, 3), atol=1e-5)
    assert torch.allclose(true[stock.adapted[:4] > 0], torch.tensor(1.0), atol=1e-5)
    again = stock.draw(12, 20, torch.Generator().manual_seed(1))
    assert torch.equal(again[4], seen)


def test_a_few_steps_make_it_better_than_the_matrices(stock: color.Stock) -> None:
    torch.manual_seed(0)
    net, random = Color(32), torch.Generator().manual_seed(2)
    example = stock.draw(48, 24, random)
    optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3)
    with torch.no_grad():
        before = float(color.loss(net, example))
    for _ in range(80):
        optimizer.zero_grad()
        color.loss(net, example).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        assert float(color.loss(net, example)) < 0.7 * before


def test_other_makers_write_other_matrices_that_agree_with_each_other(stock: color.Stock) -> None:
    random = torch.Generator().manual_seed(3)
    traits, matrix = stock.traits[:, 0], stock.matrix[:, 0]
    loose = (torch.arange(len(traits)) % 2).float()
    told, other = color.other_makers(traits, matrix, loose, random)
    assert torch.equal(told[0::2], traits[0::2]) and torch.equal(other[0::2], matrix[0::2])
    has_forward = (traits[:, :6] - traits[:, 6:12]).abs().amax(1) > 1e-4
    two = has_forward & ((traits[:, :6] - traits[:, 12:18]).abs().amax(1) > 1e-4) & (loose > 0)
    assert two.any() and (other - matrix)[two].abs().amax((1, 2)).min() > 1e-4
    assert torch.allclose(other.sum(2), matrix.sum(2), atol=1e-6), "grey stays grey"
    # what the matrix is between the two lights follows from what is told of them
    daylight = two & (traits[:, -2] * 100 < 150)
    assert torch.allclose(told[daylight][:, 12:18].view(-1, 3, 2), other[daylight][:, :, 0::2], atol=1e-4)


def test_the_network_knows_clean_matrices_before_it_learns(stock: color.Stock) -> None:
    net = Color(16, 1)
    net.compare(stock.traits[stock.clean > 0, 0])
    off = (stock.traits[stock.clean > 0, 0, : len(net.centre)] - net.centre) @ net.fine
    assert float(off.square().mean()) == pytest.approx(1, abs=0.7)


def test_noise_that_grows_costs() -> None:
    matrix = torch.eye(3)[None]
    calm, wild = torch.zeros(1, 3, TERMS), torch.zeros(1, 3, TERMS)
    wild[0, 0, 0] = 0.5  # red goes up by half of red less green
    assert float(color.growth(calm, matrix)) == pytest.approx(1)
    assert float(color.growth(wild, matrix)) == pytest.approx(((1.5**2 + 0.5**2 + 2) / 3) ** 0.5)
