"""What the networks promise whatever their weights: exactness, shapes, tiles, means."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from modisp.nets import build, compand
from modisp.nets.demosaic import Demosaic, demosaic
from modisp.nets.interpolate import interpolate
from modisp.nets.mosaic import PATTERNS, find_phase, fit, masks, sample, unfit
from modisp.nets.restore import Restore, restore
from modisp.nets.settle import lacking
from modisp.nets.shuffle import planar, shuffle, unshuffle
from modisp.nets.turns import turns

CFAS = list(PATTERNS)


def small(cfa: str, turns: int = 1) -> Demosaic:
    torch.manual_seed(1)
    net = Demosaic(cfa, width=8, blocks=2, inner_width=8, inner_blocks=1, turns=turns).eval()
    for p in net.parameters():  # far from its gentle start, as a trained one is
        torch.nn.init.normal_(p, std=0.08)
    return net.requires_grad_(False)


def small_restore(turns: int = 1, cfa: str = "bayer") -> Restore:
    torch.manual_seed(1)
    net = Restore(width=8, blocks=1, inner_width=8, inner_blocks=1, turns=turns, cfa=cfa).eval()
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.1)
    return net.requires_grad_(False)


@pytest.mark.parametrize("knee", [compand.BENT, 0.05, compand.STRAIGHT])
def test_compand_is_inverted_below_black_and_above_white(knee: float) -> None:
    x = torch.linspace(-0.5, 4, 1001)
    u = compand.compand(x, knee)
    assert torch.allclose(compand.expand(u, knee), x, atol=2e-6)
    assert (u.diff() > 0).all()
    assert compand.compand(torch.tensor([0.0, 1.0]), knee).tolist() == pytest.approx([0, 1], abs=1e-6)


def test_knee_follows_the_noise_and_else_the_level() -> None:
    """Light is bent as its noise is; what was encoded already stays; in between and without noise the level tells."""
    assert compand.knee_of(1e-2, 1e-4) == compand.knee_of(1e-2 * 0.3, 1e-4 * 0.3) == pytest.approx(0.01)
    assert compand.knee_of(1e-4, 0.0) == compand.knee_of(0.0, 0.0) == compand.knee_of(0.0, 0.0, 0.02) == compand.BENT
    assert compand.knee_of(0.0, 1e-4, 0.02) == compand.knee_of(0.0, 0.0, 0.5) == pytest.approx(compand.STRAIGHT)
    rising = [compand.knee_of(0.0, 1e-8, level) for level in (0.1, 0.15, 0.2, 0.3, 0.4)]
    assert rising == sorted(set(rising))
    noisy = 0.3 + (1e-2 * 0.3 + 1e-4) ** 0.5 * torch.randn(50_000, generator=torch.Generator().manual_seed(0))
    knee = compand.knee_of(1e-2, 1e-4)
    told = compand.slope(torch.tensor(0.3), knee) * (1e-2 * 0.3 + 1e-4) ** 0.5
    assert float(compand.compand(noisy, knee).std()) == pytest.approx(float(told), rel=0.05)
    assert compand.level_of(torch.tensor([0.2, 0.8])) == pytest.approx(0.4)


@pytest.mark.parametrize(("shot", "read"), [(1e-2, 1e-4), (1e-4, 0.0), (0.0, 4e-4), (0.0, 0.0)])
def test_stabilise_evens_the_noise(shot: float, read: float) -> None:
    a, b = torch.tensor(shot), torch.tensor(read)
    x = torch.linspace(-0.1, 1.5, 501)
    u = compand.stabilise(x, a, b)
    assert torch.allclose(compand.unstabilise(u, a, b), x, atol=2e-6)
    if shot == 0:
        assert torch.allclose(u, x, atol=1e-6)
    random = torch.Generator().manual_seed(0)
    for level in (0.1, 0.4, 0.9):
        noisy = level + (a * level + b).sqrt() * torch.randn(50_000, generator=random)
        spread = compand.stabilise(noisy, a, b).std()
        assert float(spread) == pytest.approx(float(compand.stable_sigma(a, b)), rel=0.05, abs=1e-6)


@pytest.mark.parametrize("cfa", CFAS)
def test_interpolation_keeps_samples_where_they_are_and_flat_areas(cfa: str) -> None:
    rgb = torch.rand(3, 48, 48)
    mosaic = sample(rgb, cfa)
    out = interpolate(mosaic[None], cfa)[0]
    mask = masks(cfa, 48, 48).bool()
    if cfa == "bayer":
        assert torch.equal(out[mask], rgb[mask])
    flat = torch.tensor([0.2, 0.5, 0.8]).view(3, 1, 1).expand(3, 48, 48)
    assert torch.allclose(interpolate(sample(flat, cfa)[None], cfa)[0], flat, atol=1e-6)


def test_malvar_is_exact_on_ramps() -> None:
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    rgb = torch.stack([0.01 * x + 0.005 * y, 0.3 - 0.004 * x + 0.01 * y, 0.5 - 0.01 * y])
    out = interpolate(sample(rgb, "bayer")[None], "bayer")[0]
    assert torch.allclose(out[:, 3:-3, 3:-3], rgb[:, 3:-3, 3:-3], atol=1e-5)


@pytest.mark.parametrize("size", [(130, 118), (33, 47), (2, 3)])
def test_kernels_do_what_torch_does(size: tuple[int, int]) -> None:
    """Kernels stand round the trunks only where nobody wants gradients."""
    x = torch.rand(1, *size, generator=torch.Generator().manual_seed(3)) * 1.2 - 0.1
    x[:, : size[0] // 2] = 0.3 + 0.01 * x[:, : size[0] // 2]
    made = []
    for grad in (False, True):
        with torch.set_grad_enabled(grad):
            rgb = [
                demosaic(small(cfa, turns), x, (2.0, 1.0, 1.5), (1e-3, 1e-5), knee, 1)
                for cfa in CFAS
                for turns, knee in ((1, compand.BENT), (4, compand.STRAIGHT))
            ]
            pairs = [
                restore(small_restore(), x, shot, read, 0.5, cfa, 0, 1)
                for shot, read in ((1e-3, 1e-5), (0.0, 1e-4), (0.0, 0.0))
                for cfa in ("bayer", "quad")
            ]
            made.append([*rgb, *(one for pair in pairs for one in pair)])
    for quick, plain in zip(*made, strict=True):
        assert not torch.equal(plain, torch.zeros_like(plain)) and torch.allclose(quick, plain, atol=5e-6)


@pytest.mark.parametrize("cfa", CFAS)
@pytest.mark.parametrize("colour", [(0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.3, 0.3, 0.3), (0.05, 0.6, 0.9)])
def test_flat_is_exact_whatever_the_weights(cfa: str, colour: tuple[float, float, float]) -> None:
    rgb = torch.tensor(colour).view(3, 1, 1).expand(3, 50, 46)
    for knee in (compand.BENT, compand.STRAIGHT):
        out = demosaic(small(cfa), sample(rgb, cfa), (2.0, 1.0, 1.5), knee=knee)
        assert torch.allclose(out, rgb, atol=2e-6)


@pytest.mark.parametrize("cfa", CFAS)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 5), (33, 20)])
def test_any_size_and_hostile_values(cfa: str, size: tuple[int, int]) -> None:
    mosaic = torch.randn(1, *size) * 3
    out = demosaic(small(cfa), mosaic, dy=1, dx=1)
    assert out.shape == (3, *size)
    assert out.isfinite().all()


@pytest.mark.parametrize("cfa", CFAS)
def test_phase_is_undone(cfa: str) -> None:
    """A picture that starts elsewhere in the pattern gives the same colours."""
    net, rgb = small(cfa), torch.rand(3, 120, 120)
    mosaic = sample(rgb, cfa)
    dy, dx = 1, PATTERNS[cfa].shape[0] - 1
    period = net.period
    seen = ["".join("RGB"[colour] for colour in row) for row in PATTERNS[cfa].roll((-dy, -dx), (0, 1))]
    assert find_phase(seen) == (cfa, dy, dx)
    whole = demosaic(net, mosaic)
    part = demosaic(net, mosaic[:, dy:, dx:], dy=dy, dx=dx)
    inner = slice(net.halo, 120 - net.halo)
    assert inner.stop - inner.start > 0
    assert torch.allclose(part[:, inner, inner][:, : -period, : -period],
                          whole[:, dy:, dx:][:, inner, inner][:, : -period, : -period], atol=1e-5)  # fmt: skip


@pytest.mark.parametrize("cfa", CFAS)
def test_told_noise_changes_the_result_but_not_flat_areas(cfa: str) -> None:
    net, mosaic = small(cfa, 2), torch.rand(1, 48, 48)
    assert not torch.allclose(demosaic(net, mosaic, noise=(1e-2, 1e-3)), demosaic(net, mosaic), atol=1e-3)
    flat = torch.full((1, 48, 48), 0.3)
    assert torch.allclose(demosaic(net, flat, noise=(1e-2, 1e-3)), flat.expand(3, 48, 48), atol=2e-6)


def test_bayer_phases_and_unknown_patterns() -> None:
    assert find_phase(("RG", "GB")) == ("bayer", 0, 0)
    assert find_phase(("GR", "BG")) == ("bayer", 0, 1)
    assert find_phase(("GB", "RG")) == ("bayer", 1, 0)
    assert find_phase(("BG", "GR")) == ("bayer", 1, 1)
    for unknown in (("RG", "BG"), ("W",), (), ("",), ("RG", "G"), ("CM", "YG")):
        assert find_phase(unknown) is None


@pytest.mark.parametrize("turns", [1, 4])
@pytest.mark.parametrize(("cfa", "at"), [("bayer", 40), ("xtrans", 66), ("quad", 72)])
def test_tile_with_halo_equals_whole(cfa: str, at: int, turns: int) -> None:
    net = small(cfa, turns)
    side, halo = 24, net.halo
    at = -(-at // net.multiple) * net.multiple
    mosaic = torch.rand(1, at + side + 2 * halo + 24, at + side + 2 * halo + 24)
    whole = demosaic(net, mosaic)
    tile = demosaic(net, mosaic[:, at : at + side + 2 * halo, at : at + side + 2 * halo])
    inner = slice(halo, halo + side)
    there = slice(at + halo, at + halo + side)
    assert torch.allclose(tile[:, inner, inner], whole[:, there, there], atol=1e-5)


@pytest.mark.parametrize("turns", [1, 4])
@pytest.mark.parametrize(("own", "cfa"), [("bayer", "bayer"), ("bayer", "quad"), ("xtrans", "xtrans")])
def test_restore_tile_with_halo_equals_whole(own: str, cfa: str, turns: int) -> None:
    net = small_restore(turns, own)
    halo = net.halo * (2 if cfa == "quad" else 1)
    mosaic = torch.rand(1, 2 * halo + 112, 2 * halo + 112)
    whole = restore(net, mosaic, 1e-3, 1e-5, 1.0, cfa)
    tile = restore(net, mosaic[:, 48:, 24:][:, : 2 * halo + 48, : 2 * halo + 48], 1e-3, 1e-5, 1.0, cfa)
    for a, b in zip(tile, whole, strict=True):
        there = (slice(None), slice(48 + halo, 96 + halo), slice(24 + halo, 72 + halo))
        assert torch.allclose(a[:, halo : halo + 48, halo : halo + 48], b[there], atol=1e-5)


def test_planes_go_there_and_back() -> None:
    x = torch.rand(2, 3, 12, 18)
    planes = unshuffle(x, 3)
    assert torch.equal(planes, F.pixel_unshuffle(x, 3))
    assert torch.equal(shuffle(planes, 3), x)
    last = planes.contiguous(memory_format=torch.channels_last)
    assert torch.equal(shuffle(last, 3), x) and planar(last).is_contiguous()


@pytest.mark.parametrize("cfa", ["bayer", "xtrans"])
def test_restore_leaves_a_perfect_mosaic_alone(cfa: str) -> None:
    mosaic = torch.rand(1, 64, 50)
    clean, sharp = restore(small_restore(cfa=cfa), mosaic, 0.0, 0.0, 0.0, cfa)
    assert torch.allclose(clean, mosaic, atol=2e-4)
    assert torch.equal(clean, sharp)


@pytest.mark.parametrize("cfa", CFAS)
def test_turns_turn_the_result_along(cfa: str) -> None:
    """With two turns (plain and transposed) a transposed scene gives the transposed result."""
    net, rgb = small(cfa, turns=2), torch.rand(3, 72, 48)
    mosaic = sample(rgb, cfa)
    _, (transpose, flip, dy, dx), *_ = turns(cfa)
    assert transpose and not flip
    result = demosaic(net, mosaic)
    turned = demosaic(net, sample(rgb.transpose(1, 2).roll((dy, dx), (1, 2)), cfa)).roll((-dy, -dx), (1, 2))
    inner = slice(12, -12)
    assert torch.allclose(turned.transpose(1, 2)[:, inner, inner], result[:, inner, inner], atol=1e-4) or dy or dx
    flat = torch.tensor([0.2, 0.5, 0.7]).view(3, 1, 1).expand(3, 40, 40)
    assert torch.allclose(demosaic(small(cfa, 4), sample(flat, cfa)), flat, atol=2e-6)


def test_quad_is_restored_as_four_bayers() -> None:
    net = small_restore()
    bayer = torch.rand(1, 64, 64)
    quad = bayer.repeat_interleave(2, 1).repeat_interleave(2, 2)
    for a, b in zip(restore(net, quad, 1e-3, 1e-5, 1.0, "quad"), restore(net, bayer, 1e-3, 1e-5, 0.5), strict=True):
        assert torch.allclose(a[:, ::2, 1::2], b, atol=1e-5)
    with pytest.raises(ValueError, match="xtrans"):
        restore(net, bayer, 1e-3, 1e-5, 1.0, "xtrans")


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (17, 40)])
def test_restore_any_size_and_phase(size: tuple[int, int]) -> None:
    for cfa in ("bayer", "xtrans"):
        for out in restore(small_restore(cfa=cfa), torch.randn(1, *size), 1e-3, 1e-6, 2.0, cfa, dy=1, dx=1):
            assert out.shape == (1, *size)
            assert out.isfinite().all()


def test_fit_keeps_colours_in_place() -> None:
    for cfa, period in (("bayer", 2), ("quad", 4), ("xtrans", 6)):
        colour = masks(cfa, 30, 30).argmax(0, keepdim=True).float()
        part = colour[:, 5:19, 3:20]
        padded = fit(part, period, 12, 5, 3, rim=12)
        expected = masks(cfa, *padded.shape[-2:]).argmax(0, keepdim=True).float()
        assert torch.equal(padded, expected)
        assert torch.equal(unfit(padded, 14, 17, 5, 3, rim=12), part)


def test_build() -> None:
    net = build({"kind": "demosaic", "cfa": "bayer", "width": 8, "blocks": 1})
    assert isinstance(net, Demosaic)
    assert net.macs() == pytest.approx((9 * (5 * 8 + 2 * 64 + 8 * 12)) / 4)
    with pytest.raises(ValueError, match="unknown"):
        build({"kind": "dream"})


@pytest.mark.parametrize("cfa", CFAS)
def test_what_deblurring_lacks_is_nothing_on_flat_colours(cfa: str) -> None:
    flat = sample(torch.tensor([0.1, 0.6, 0.3]).view(3, 1, 1).expand(3, 48, 48), cfa)
    period = PATTERNS[cfa].shape[0]
    for dy in range(0, period, 3):
        x = flat[:, dy:, 1:]
        assert lacking(x, x, 1.3, cfa, dy, 1, torch.tensor([0.5, 1.0, 0.7])).abs().max() < 1e-6


def test_what_deblurring_lacks_leads_to_the_truth() -> None:
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    truth = (0.3 + 0.2 * torch.sign(torch.sin(x / 4) * torch.sin(y / 5)))[None] * torch.tensor([0.5, 1.0, 0.8])[
        :, None, None
    ]
    taps = torch.exp(-0.5 * torch.arange(-4, 5.0) ** 2)
    psf = taps[:, None] * taps / taps.sum() ** 2
    soft = F.conv2d(F.pad(truth[:, None], (4, 4, 4, 4), "reflect"), psf[None, None])[:, 0]
    seen, wanted, white = sample(soft, "bayer"), sample(truth, "bayer"), torch.tensor([0.5, 1.0, 0.8])
    found = seen
    for _ in range(3):
        better = found + lacking(seen, found, 1.0, "bayer", 0, 0, white)
        assert (better - wanted).square().mean() < 0.9 * (found - wanted).square().mean()
        found = better
