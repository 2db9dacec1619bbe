"""The RAW zone: demosaics, defects and highlights, against known truth and on every pattern."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from scenes import BAYER, HEXADECA, PATTERNS, QUAD, WHITE, WHITES, XTRANS, mosaic, psnr, raw, smooth_scene

from modisp.image import Frame, Image, Metadata, State
from modisp.operators.cfa import fold, is_bayer
from modisp.stage import Probe, Reading, Stage
from modisp.stages.defects import Defects
from modisp.stages.demosaic_bilinear import DemosaicBilinear
from modisp.stages.demosaic_malvar import DemosaicMalvar
from modisp.stages.demosaic_mono import DemosaicMono
from modisp.stages.demosaic_quad import DemosaicQuad
from modisp.stages.demosaic_xtrans import DemosaicXtrans
from modisp.stages.highlights import Highlights
from modisp.stages.restore_wavelet import RestoreWavelet

SIZES = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (1, 7), (5, 4), (31, 50)]


def demosaics(cfa: tuple[str, ...]) -> list[type[Stage]]:
    every = (DemosaicBilinear, DemosaicMalvar, DemosaicXtrans, DemosaicQuad, DemosaicMono)
    return [s for s in every if s.accepts(Metadata(cfa=cfa))]


def test_every_pattern_has_its_demosaic() -> None:
    for cfa in PATTERNS:
        assert demosaics(cfa), cfa
    assert [is_bayer(p) for p in PATTERNS] == [True] * 4 + [False] * 4
    assert not demosaics(()) and not is_bayer(("RB", "GG"))
    assert demosaics(("RB", "GG")) == [DemosaicQuad]


@pytest.mark.parametrize("stage", [DemosaicMalvar, DemosaicBilinear, DemosaicXtrans, DemosaicQuad, DemosaicMono])
def test_a_pattern_that_a_demosaic_cannot_serve_is_refused_in_a_sentence(stage: type[Stage]) -> None:
    wrong = next(p for p in PATTERNS if not stage.accepts(Metadata(cfa=p)))
    with pytest.raises(ValueError, match=r"needs|cannot serve"):
        stage()(Image(torch.rand(1, 12, 12), State.MOSAIC, Metadata(cfa=wrong)))


@pytest.mark.parametrize("cfa", PATTERNS)
def test_flat_and_grey_are_exact(cfa: tuple[str, ...]) -> None:
    colour = torch.tensor([0.4, 0.3, 0.7])[:, None, None] if cfa != ("W",) else torch.full((3, 1, 1), 0.4)
    for stage in demosaics(cfa):
        flat = colour.expand(3, 49, 50)
        assert (stage()(raw(flat, cfa)).pixels - flat).abs().max() < 1e-6
        # a grey slope in the light of the shot stays grey
        slope = torch.linspace(0.1, 0.8, 60).expand(3, 55, 60) * (WHITES if cfa != ("W",) else 1)
        out = stage()(raw(slope, cfa)).pixels / (WHITES if cfa != ("W",) else 1)
        inside = out[:, 12:-12, 12:-12]
        assert (inside - inside.mean(0)).abs().max() < 2e-3


@pytest.mark.parametrize("cfa", PATTERNS)
def test_samples_are_kept(cfa: tuple[str, ...]) -> None:
    image = raw(torch.rand(3, 37, 41), cfa)
    for stage in demosaics(cfa):
        assert torch.equal(mosaic(stage()(image).pixels, cfa), image.pixels)


@pytest.mark.parametrize("cfa", PATTERNS)
@pytest.mark.parametrize("size", SIZES)
def test_sizes(cfa: tuple[str, ...], size: tuple[int, int]) -> None:
    image = Image(torch.rand(1, *size), State.MOSAIC, Metadata(cfa=cfa))
    for stage in (*demosaics(cfa), RestoreWavelet, Defects):
        out = stage()(image)
        assert out.pixels.shape[1:] == size and out.pixels.isfinite().all() and out.state is stage.writes
    out = RestoreWavelet(deblur=1, radius=1)(image)
    assert out.pixels.isfinite().all()
    assert Defects(detect=True)(image).pixels.isfinite().all()


def tiled(stage: Stage, image: Image, tile: int, reading: Reading) -> torch.Tensor:
    """Whole result from tiles on the lattice, `infer` on its own grid with its own halo, as the pipeline does it."""
    halo = -(-stage.halo(1.0) // 24) * 24
    out = torch.zeros(stage.writes.channels or 1, image.height, image.width)
    parts: dict[str, torch.Tensor] = {}
    step = 96
    for top in range(0, image.height, step):
        for left in range(0, image.width, step):
            frame = image.frame.cut(top, left, min(step, image.height - top), min(step, image.width - left))
            found = stage.infer(image.cut(frame.grow(stage.infer_halo)), reading)
            dy, dx = frame.within(frame.grow(stage.infer_halo))
            for name, t in (found or {}).items():
                whole = parts.setdefault(name, torch.zeros(t.shape[0], image.height, image.width))
                whole[:, top : top + frame.size[0], left : left + frame.size[1]] = t[
                    :, dy : dy + frame.size[0], dx : dx + frame.size[1]
                ]
    for top in range(0, image.height, tile):
        for left in range(0, image.width, tile):
            frame = image.frame.cut(top, left, min(tile, image.height - top), min(tile, image.width - left))
            grown = frame.grow(halo)
            y, x = (round(v) for v in (grown.rect[1], grown.rect[0]))
            part = {k: v[:, y : y + grown.size[0], x : x + grown.size[1]] for k, v in parts.items()}
            done = stage.process(image.cut(grown), reading, part or None)
            dy, dx = frame.within(grown)
            out[:, top : top + frame.size[0], left : left + frame.size[1]] = done[
                :, dy : dy + frame.size[0], dx : dx + frame.size[1]
            ]
    return out


@pytest.mark.parametrize("cfa", PATTERNS)
def test_tiles_give_the_same_bits(cfa: tuple[str, ...]) -> None:
    g = torch.Generator().manual_seed(5)
    bad = tuple((int(y), int(x)) for y, x in torch.randint(0, 200, (300, 2), generator=g))
    image = raw(torch.rand(3, 203, 214, generator=g), cfa, noise=((1e-3, 1e-5),), bad_pixels=bad)
    for stage in (
        *(s() for s in demosaics(cfa)),
        Defects(detect=True, threshold=1.0),
        RestoreWavelet(deblur=0.3, radius=0.7),
    ):
        reading = stage.measure(Probe.of(image))
        first, second = tiled(stage, image, 48, reading), tiled(stage, image, 120, reading)
        assert torch.equal(first, second), stage.name
        whole = stage.process(image, reading, stage.infer(image, reading))
        if not stage.infer_halo:
            assert torch.equal(first, whole), stage.name
        assert (first - whole).abs().max() <= 1e-5, stage.name


@pytest.mark.parametrize(("stage", "least"), [(DemosaicMalvar, 45), (DemosaicBilinear, 42)])
def test_bayer_phases_agree_where_the_scene_is_band_limited(stage: type[Stage], least: float) -> None:
    scene = smooth_scene(192, 200) * WHITES
    results = [stage()(raw(scene, cfa)).pixels[:, 4:-4, 4:-4] for cfa in BAYER]
    for other in results[1:]:
        assert psnr(other, results[0]) >= least
        assert torch.allclose(other.mean((1, 2)), results[0].mean((1, 2)), rtol=1e-3)


@pytest.mark.parametrize(("cfa", "least"), [(BAYER[0], 45), (XTRANS, 45), (QUAD, 42), (HEXADECA, 34)])
def test_band_limited_scenes_come_back(cfa: tuple[str, ...], least: float) -> None:
    scene = smooth_scene(144, 150)
    out = demosaics(cfa)[-1]()(raw(scene * WHITES, cfa)).pixels / WHITES
    assert psnr(out[:, 12:-12, 12:-12], scene[:, 12:-12, 12:-12]) >= least


def photographs() -> list[Path]:
    root = Path(os.environ.get("MODISP_DATA", Path(__file__).parents[2] / "shared" / "data"))
    return sorted((root / "photos" / "val").glob("*.png"))[:4]


def linear(path: Path) -> torch.Tensor:
    x = np.asarray(Pillow.open(path).convert("RGB"), np.float32) / 255
    return torch.from_numpy(np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)).permute(
        2, 0, 1
    )


def test_better_filters_win_on_photographs() -> None:
    files = photographs()
    if not files:
        pytest.skip("no photographs here: set MODISP_DATA to a folder with photos/val")
    score: dict[str, float] = {}
    for path in files:
        scene = linear(path)[:, 100:400, 100:400]
        for name, stage, cfa in (
            ("bilinear", DemosaicBilinear, BAYER[0]),
            ("malvar", DemosaicMalvar, BAYER[0]),
            ("xtrans", DemosaicXtrans, XTRANS),
            ("quad", DemosaicQuad, QUAD),
        ):
            out = stage()(raw(scene, cfa, (1.0, 1.0, 1.0))).pixels[:, 12:-12, 12:-12]
            score[name] = score.get(name, 0.0) + psnr(out, scene[:, 12:-12, 12:-12]) / len(files)
    assert score["malvar"] > score["bilinear"] + 1
    assert score["xtrans"] > score["bilinear"] + 1
    assert score["quad"] > score["bilinear"] - 3


def test_mirrored_border_keeps_the_phase() -> None:
    assert fold(-3, 9, 6, 1).tolist() == [3, 2, 1, 0, 1, 2, 3, 4, 5, 4, 3, 2]
    assert all((int(j) - i) % 6 == 0 and 0 <= j < 20 for i, j in zip(range(-9, 31), fold(-9, 31, 20, 6), strict=True))


# --- defects -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cfa", PATTERNS)
def test_listed_pixels_are_filled_in(cfa: tuple[str, ...]) -> None:
    scene = smooth_scene(96, 110) * WHITES
    good = raw(scene, cfa)
    g = torch.Generator().manual_seed(2)
    at = [(int(y), int(x)) for y, x in torch.randint(12, 84, (60, 2), generator=g)]
    hurt = good.pixels.clone()
    for y, x in at:
        hurt[0, y, x] = 1.0
    meta = replace(good.meta, bad_pixels=(*at, (500, 2), (3, 500)))
    out = Defects()(Image(hurt, State.MOSAIC, meta)).pixels
    assert (out - good.pixels).abs().mean() < 0.03 * (hurt - good.pixels).abs().mean() + 2e-4
    untouched = torch.ones(96, 110, dtype=torch.bool)
    untouched[tuple(torch.tensor(at).T)] = False
    assert torch.equal(out[0][untouched], hurt[0][untouched])
    assert torch.equal(Defects(listed=False)(Image(hurt, State.MOSAIC, meta)).pixels, hurt)


def test_clusters_and_corners_of_bad_pixels_are_filled_in() -> None:
    flat = torch.full((3, 40, 40), 0.3) * WHITES
    good = raw(flat, BAYER[0])
    at = tuple((y, x) for y in range(3) for x in range(3)) + tuple((20, x) for x in range(40))
    hurt = good.pixels.clone()
    hurt[(0, *torch.tensor(at).T)] = 5.0
    out = Defects()(Image(hurt, State.MOSAIC, replace(good.meta, bad_pixels=at))).pixels
    assert (out[:, 4:] - good.pixels[:, 4:]).abs().max() < 1e-6


@pytest.mark.parametrize("cfa", [BAYER[0], XTRANS, QUAD])
def test_hot_pixels_are_found_and_stars_are_not(cfa: tuple[str, ...]) -> None:
    y, x = torch.meshgrid(torch.arange(96) * 1.0, torch.arange(96) * 1.0, indexing="ij")
    sky = torch.full((96, 96), 0.02)
    g = torch.Generator().manual_seed(4)
    for cy, cx in (torch.rand(25, 2, generator=g) * 80 + 8).tolist():
        sky = sky + 0.8 * torch.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * 0.8**2))
    image = raw(sky.expand(3, 96, 96) * WHITES, cfa)
    assert torch.equal(Defects(detect=True)(image).pixels, image.pixels)
    dark = raw(torch.full((3, 96, 96), 0.02) * WHITES, cfa)
    hot = dark.pixels.clone()
    at = [(30, 31), (45, 60), (70, 22), (71, 80)]
    for r, c in at:
        hot[0, r, c] = 0.7
    out = Defects(detect=True)(replace(dark, pixels=hot)).pixels
    assert (out - dark.pixels).abs().max() < 1e-6
    bright = raw(torch.full((3, 96, 96), 0.5) * WHITES, cfa)
    dead = bright.pixels.clone()
    dead[0, 30, 31] = 0.0
    assert (Defects(detect=True)(replace(bright, pixels=dead)).pixels - bright.pixels).abs().max() < 1e-6


# --- highlights --------------------------------------------------------------------------------------------------------

LIGHTS = [(1, 1, 1), (1, 0.7, 0.5), (0.7, 0.9, 1.1), (1, 0.2, 0.1), (0.1, 0.3, 1), (0.3, 1, 0.3), (1, 0.9, 0.6)]


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("white", [(0.5, 1.0, 0.65), (1.0, 0.9, 0.4), (0.45, 1.0, 0.8)])
def test_clipped_ramps_rise_evenly_and_never_turn_magenta(light: tuple[float, ...], white: tuple[float, ...]) -> None:
    w = torch.tensor(white)[:, None, None]
    ramp = torch.tensor(light)[:, None, None] * torch.linspace(0, 6, 2000).view(1, 1, -1)
    seen = (ramp * w).clamp(max=1)
    out = Highlights()(Image(seen, State.CAMERA, Metadata(white=white))).pixels / w  # type: ignore[arg-type]
    assert (out.diff(dim=2) >= -1e-6).all()
    assert (out.diff(dim=2) < 0.1).all()  # no jumps
    assert (out + 1e-6 >= seen / w).all()
    # green never falls behind both others by more than it did in the light itself
    magenta = torch.minimum(out[0], out[2]) - out[1]
    true = torch.minimum(ramp[0], ramp[2]) - ramp[1]
    assert (magenta <= true.clamp(min=0) + 0.02).all()
    if light == (1, 1, 1):
        assert (out - out.mean(0)).abs().max() < 1e-4
        known = ramp[0] < 1 / min(white)
        assert torch.allclose(out[:, known], ramp[:, known], atol=1e-4)


def test_highlights_leave_all_else_alone() -> None:
    x = torch.rand(3, 60, 70) * 0.85
    image = Image(x, State.CAMERA, Metadata(white=WHITE))
    assert torch.equal(Highlights()(image).pixels, x)
    blown = Image(torch.rand(3, 60, 70) * 1.3, State.CAMERA, Metadata(white=WHITE))
    assert torch.equal(Highlights(strength=0)(blown).pixels, blown.pixels)
    assert Highlights(strength=0, threshold=0.8).is_neutral()
    half = Highlights(strength=0.5)(blown).pixels
    assert torch.allclose(half, (blown.pixels + Highlights()(blown).pixels) / 2, atol=1e-6)
    assert Highlights.raw_zone


def test_fully_clipped_is_neutral_and_described() -> None:
    out = Highlights()(Image(torch.ones(3, 4, 4), State.CAMERA, Metadata(white=WHITE)))
    seen = out.pixels / WHITES
    assert torch.allclose(seen, torch.full_like(seen, 2.0), atol=1e-5)
    assert torch.tensor(out.meta.clip) / torch.tensor(WHITE) == pytest.approx([2.0] * 3)
    open_ended = Metadata(clip=(math.inf,) * 3)
    bright = Image(torch.rand(3, 4, 4) * 9, State.CAMERA, open_ended)
    assert torch.equal(Highlights()(bright).pixels, bright.pixels) and Highlights()(bright).meta == open_ended


def test_frames_far_into_the_picture_find_their_bad_pixels() -> None:
    image = raw(torch.rand(3, 96, 96), BAYER[0], bad_pixels=((50, 60),))
    whole = Defects()(image).pixels
    part = image.cut(Frame((96, 96), (48.0, 24.0, 48.0, 72.0), (72, 48)))
    assert torch.equal(Defects().process(part, Reading(), None), whole[:, 24:, 48:])
