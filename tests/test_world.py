"""The spectral world: measured and virtual cameras, lights of every family, reflectances, makers' matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modisp.color.camera import Camera
from modisp.color.white import kelvin_from_xy
from modisp.simulate import spectra, world, world_lights, world_makers, world_surfaces
from modisp.simulate.cameras import camera


def _sensitivities() -> np.ndarray:
    found = [camera(name).sensitivity for name in ("aster", "bellis", "clover")]
    return np.array([s / s.sum(1).max() for s in found if s is not None])


def test_virtual_cameras_are_cameras() -> None:
    made = world.vary(_sensitivities(), np.random.default_rng(1), 60)
    assert made.shape == (60, 3, 81) and made.min() >= 0
    assert made.sum(2).max(1) == pytest.approx(np.ones(60), abs=0.35)
    centres = (made @ spectra.WAVELENGTHS) / made.sum(2)
    assert (np.diff(centres, axis=1) < 0).all(), "red, green, blue, in this order"
    assert np.unique(made.round(6), axis=0).shape[0] > 55


@pytest.mark.parametrize("family", [*world_lights.SHARES, "discharge"])
def test_lights_of_every_family_have_luminance_one_and_a_light_colour(family: str) -> None:
    rng = np.random.default_rng(3)
    kept, _ = world_lights.split()
    for _ in range(20):
        light = world_lights.one(rng, family, kept)
        assert light.min() >= 0 and light @ spectra.observer()[1] == pytest.approx(1)
        kelvin, tint = kelvin_from_xy(spectra.xy_of(light))
        assert 1500 <= kelvin <= 60000 and abs(tint) < 200


@pytest.mark.parametrize("kelvin", [2500, 4000, 4500, 5000, 6504, 10000, 15000])
def test_daylight_has_its_temperature(kelvin: float) -> None:
    found, tint = kelvin_from_xy(spectra.xy_of(world_lights.daylight(kelvin)))
    assert found == pytest.approx(kelvin, rel=0.03) and abs(tint) < 12


@pytest.mark.parametrize("kelvin", [2700, 4000, 6500])
def test_drawn_lamps_have_the_colour_asked_for(kelvin: float) -> None:
    rng = np.random.default_rng(4)
    for make in (world_lights.led, world_lights.fluorescent):
        found = [kelvin_from_xy(spectra.xy_of(make(rng, kelvin, 5.0))) for _ in range(12)]
        assert np.median([k for k, _ in found]) == pytest.approx(kelvin, rel=0.02)
        assert np.median([t for _, t in found]) == pytest.approx(5.0, abs=2)


def test_no_lamp_is_on_both_sides_of_the_split() -> None:
    kept, left = world_lights.split()
    assert {x.name for x in kept} & {x.name for x in left} == set()
    assert len(kept) + len(left) == len(world_lights.lamps()) and len(left) > 20
    assert {x.family for x in left} == {"fluorescent", "led", "discharge"}


def test_reflectances_reflect() -> None:
    drawn = world_surfaces.smooth(np.random.default_rng(5), 300)
    for rows in (drawn, world_surfaces.charts()):
        assert rows.shape[1] == 81 and rows.min() >= 0 and rows.max() <= 1
    assert np.abs(np.diff(drawn, axis=1)).max() < 0.25, "smooth"


def test_bases_look_alike_under_d65_and_differ_under_lamps() -> None:
    made = world_surfaces.bases(np.random.default_rng(6), 8)
    assert made.sum(1) == pytest.approx(np.ones((8, 81)), abs=1e-9)
    day, lamp = (spectra.xyz(made.reshape(-1, 81), spectra.light(k)).reshape(8, 3, 3) for k in ("D65", "LED-3000"))
    assert np.ptp(day, axis=0).max() < 1e-9
    assert np.ptp(lamp, axis=0).max() > 0.003


def test_makers_matrices_serve_the_camera_model() -> None:
    own, rng = _sensitivities()[0], np.random.default_rng(7)
    clean = world_makers.clean(own)
    charts = [spectra.colorchecker(), spectra.training()]
    truth = own @ spectra.light("D55")
    away = []
    for made in (clean, *(world_makers.varied(own, rng, charts) for _ in range(30))):
        model = Camera.of(made.metadata())
        assert model.known
        neutral = np.array(model.neutral(spectra.xy_of(spectra.light("D55"))))
        away.append(np.abs(neutral / neutral[1] / (truth / truth[1]) - 1).max())
        assert model.to_rec2020((0.3127, 0.3290)).sum(1).numpy() == pytest.approx(np.ones(3), abs=1e-5)
    assert away[0] < 0.01 and 0.02 < np.mean(away[1:]) < 0.12


def test_the_measured_cameras_and_patches(data: Path) -> None:
    kept, left = world.split(world.measured_cameras(data))
    assert len(left) == 13 and len(kept) == 26
    assert not {c.maker for c in kept} & {"Fujifilm", "Hasselblad", "Panasonic"}, "three makers are left out whole"
    assert all(c.sensitivity.shape == (3, 81) and c.sensitivity.min() >= 0 for c in kept + left)
    assert world_surfaces.patches(data).shape == (190, 81)


def test_missing_data_is_named_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no camera sensitivities"):
        world.measured_cameras(tmp_path)
