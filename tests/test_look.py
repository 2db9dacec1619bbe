"""The look: saturation that keeps luminance and gamut, black and white, split tones, tables, and the shipped styles."""

import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from modisp.color import spaces, transfer
from modisp.image import Image, State
from modisp.operators import tonecurve as tc
from modisp.operators.cube import CubeError
from modisp.recipe import Recipe
from modisp.resources import path as shipped
from modisp.stage import list_stages
from modisp.stages.look import Look
from modisp.style import Style

STYLES = ("natural", "vivid", "soft", "cinematic", "blackwhite")


@pytest.fixture
def picture() -> Image:
    g = torch.Generator().manual_seed(11)
    return Image(torch.rand(3, 40, 60, generator=g) ** 2, State.DISPLAY)


def luminance(image: Image) -> torch.Tensor:
    return tc.luma(image.pixels.reshape(3, -1))


def chroma(image: Image) -> torch.Tensor:
    return image.pixels.reshape(3, -1).sub(luminance(image)).abs().amax(0)


def test_neutral_parts_change_no_bit(picture: Image) -> None:
    assert torch.equal(Look()(picture).pixels, picture.pixels)
    assert torch.equal(Look(mix_red=0.8, tint_balance=0.5, strength=0.3)(picture).pixels, picture.pixels)


@pytest.mark.parametrize("values", [{"saturation": 1.6}, {"saturation": 0.3}, {"vibrance": 1.0}, {"vibrance": -1.0}])
def test_saturation_keeps_luminance_hue_and_gamut(picture: Image, values: dict[str, float]) -> None:
    out = Look(**values)(picture)
    assert torch.allclose(luminance(out), luminance(picture), atol=2e-6)
    stronger = values.get("saturation", 1.0) > 1 or values.get("vibrance", 0.0) > 0
    change = chroma(out) - chroma(picture)
    assert (change > -1e-6).all() if stronger else (change < 1e-6).all()
    a, b = (i.pixels.reshape(3, -1) - luminance(i) for i in (picture, out))
    cosine = (a * b).sum(0) / (a.norm(dim=0) * b.norm(dim=0)).clamp_min(1e-9)
    assert cosine[chroma(out) > 1e-4].min() > 0.9999


def test_strong_colours_near_the_edge_keep_their_differences() -> None:
    levels = torch.linspace(0.5, 0.02, 50)
    reds = torch.stack([torch.full_like(levels, 0.6), levels, levels])[:, None]
    out = Look(saturation=1.8)(Image(reds, State.DISPLAY)).pixels
    assert torch.diff(out[1, 0]).max() < 0 and out.min() > 0


def test_vibrance_prefers_quiet_colours() -> None:
    quiet, strong = torch.tensor([0.32, 0.3, 0.29]), torch.tensor([0.6, 0.15, 0.05])
    image = Image(torch.stack([quiet, strong], 1)[:, None], State.DISPLAY)
    gain = chroma(Look(vibrance=0.6)(image)) / chroma(image)
    assert gain[0] > 1.4 and 1 < gain[1] < 1.15


def test_saturation_nought_and_monochrome_are_grey(picture: Image) -> None:
    for look in (Look(saturation=0.0), Look(monochrome=1.0), Look(monochrome=1.0, mix_red=1.0, mix_blue=-1.0)):
        out = look(picture).pixels
        assert (out.amax(0) - out.amin(0)).max() < 1e-6
    assert torch.allclose(luminance(Look(monochrome=1.0)(picture)), luminance(picture), atol=1e-6)


def test_the_mixer_moves_its_colours_and_no_greys() -> None:
    red, grey, blue = (0.5, 0.1, 0.1), (0.3, 0.3, 0.3), (0.1, 0.15, 0.5)
    image = Image(torch.tensor([red, grey, blue]).T[:, None].contiguous(), State.DISPLAY)
    plain, mixed = (Look(monochrome=1.0, **v)(image).pixels[0, 0] for v in ({}, {"mix_red": 0.6, "mix_blue": -0.4}))
    assert mixed[0] > plain[0] + 0.05 and mixed[2] < plain[2] - 0.05
    assert mixed[1] == pytest.approx(0.3, abs=1e-6)


def test_split_tones_tint_their_end_and_keep_luminance() -> None:
    greys = Image(torch.linspace(0, 1, 400).expand(3, 1, 400).contiguous(), State.DISPLAY)
    out = Look(shadow_warmth=-0.5, shadow_tint=0.3, highlight_warmth=0.5)(greys)
    assert torch.allclose(luminance(out), luminance(greys), atol=1e-5)
    r, _, b = out.pixels[:, 0]
    assert b[10] > r[10] and r[200] > b[200]
    assert r[0] == b[0] == 0 and r[-1] == pytest.approx(float(b[-1]), abs=1e-5)


def _cube(path: Path, f: str, n: int = 17, head: str = "") -> str:
    axis = [i / (n - 1) for i in range(n)]
    rows = "\n".join(
        " ".join(f"{v:.7f}" for v in eval(f, {"r": r, "g": g, "b": b})) for b in axis for g in axis for r in axis
    )
    path.write_text(f"{head}LUT_3D_SIZE {n}\n{rows}\n")
    return str(path)


@pytest.mark.parametrize("space", ["srgb", "display-p3", "adobe-rgb", "rec2020", "linear"])
def test_a_table_that_changes_nothing_changes_nothing(picture: Image, tmp_path: Path, space: str) -> None:
    cube = _cube(tmp_path / "same.cube", "(r, g, b)", head=f"# INPUT_SPACE {space}\n")
    out = Look(cube=cube)(picture).pixels
    assert (out - picture.pixels).abs().max() < 1e-4  # colours outside the table's gamut too


def test_a_table_works_in_its_space_and_blends_by_strength(tmp_path: Path) -> None:
    cube = _cube(tmp_path / "half.cube", "(r / 2, g / 2, b / 2)")
    grey = Image(torch.full((3, 2, 2), 0.5), State.DISPLAY)
    want = float(transfer.decode("srgb", transfer.encode("srgb", torch.tensor(0.5)) / 2))
    full = Look(cube=cube)(grey).pixels
    assert full.mean() == pytest.approx(want, abs=1e-3)
    assert Look(cube=cube, strength=0.4)(grey).pixels.mean() == pytest.approx(0.6 * 0.5 + 0.4 * want, abs=1e-3)
    assert Look(cube=cube, cube_space="linear")(grey).pixels.mean() == pytest.approx(0.25, abs=1e-4)
    assert torch.equal(Look(cube=cube, strength=0.0)(grey).pixels, grey.pixels)


def test_channels_of_a_table_are_not_swapped(tmp_path: Path) -> None:
    cube = _cube(tmp_path / "turn.cube", "(g, b, r)")
    red = spaces.apply(spaces.between("srgb", "rec2020"), torch.tensor([0.8, 0.2, 0.1])[:, None, None])
    out = spaces.apply(spaces.between("rec2020", "srgb"), Look(cube=cube)(Image(red, State.DISPLAY)).pixels)
    assert torch.allclose(out.flatten(), torch.tensor([0.2, 0.1, 0.8]), atol=2e-3)


def test_a_missing_table_is_said_and_a_changed_one_is_noticed(picture: Image, tmp_path: Path) -> None:
    with pytest.raises(CubeError, match=r"gone\.cube"):
        Look(cube=str(tmp_path / "gone.cube"))(picture)
    cube = _cube(tmp_path / "a.cube", "(r, g, b)", 2)
    before = Look(cube=cube).weights_digest()
    _cube(tmp_path / "a.cube", "(r, g, b / 2)", 3)
    assert before and Look(cube=cube).weights_digest() != before and not Look().weights_digest()


@pytest.mark.parametrize("name", STYLES)
def test_shipped_styles_fit_their_stages_and_leave_greys_in_order(name: str) -> None:
    data = tomllib.loads((shipped("styles") / name / "style.toml").read_text(encoding="utf-8"))
    assert data.pop("name") and data.pop("words").endswith(".") and data.pop("version") == 1
    stops = torch.linspace(-10, 5, 500)
    image = Image((0.18 * torch.exp2(stops)).expand(3, 1, 500).contiguous(), State.SCENE)
    for slot in ("tone", "look"):
        image = list_stages()[slot](**data.pop(slot, {}))(image)
    data.pop("tone_learned", None)  # the same look, for the learned stage
    assert not data, "a style sets nothing else"
    assert torch.diff(luminance(image)).min() > -1e-6


def test_shipped_styles_differ_from_each_other_and_from_none() -> None:
    light = torch.rand(3, 30, 40, generator=torch.Generator().manual_seed(2)) ** 2
    labs = []
    for name in ("", *STYLES):
        data = tomllib.loads((shipped("styles") / name / "style.toml").read_text("utf-8")) if name else {}
        image = Image(light, State.SCENE)
        for slot in ("tone", "look"):
            image = list_stages()[slot](**data.get(slot, {}))(image)
        labs.append(spaces.oklab(image.pixels))
    for i, a in enumerate(labs):
        for b in labs[:i]:
            assert (a - b).norm(dim=0).mean() > 0.007


def test_styles_with_tables_mix_by_strength(tmp_path: Path) -> None:
    def table(name: str, r: float, g: float, b: float) -> Path:
        rows = [f"{r * (i % 2)} {g * (i // 2 % 2)} {b * (i // 4)}" for i in range(8)]
        file = tmp_path / name
        file.write_text("LUT_3D_SIZE 2\n" + "\n".join(rows) + "\n", "utf-8")
        return file

    a = Style("A", {"look": {"cube": str(table("a.cube", 1.0, 0.5, 0.5))}})
    b = Style("B", {"look": {"cube": str(table("b.cube", 0.3, 0.3, 1.0))}})
    plain, x = Recipe.default(), Image(torch.rand(3, 8, 9), State.DISPLAY)

    def made(*layers: tuple[Style, float]) -> torch.Tensor:
        recipe = plain
        for style, strength in layers:
            recipe = style.apply(recipe, strength)
        return recipe.resolve()["look"](x).pixels

    only_a, only_b = made((a, 1.0)), made((b, 1.0))
    assert torch.equal(made((a, 1.0), (b, 0.0)), only_a)
    assert torch.allclose(made((a, 0.6), (b, 0.4)), 0.6 * only_a + 0.4 * only_b, atol=1e-5)
    steps = [float((made((a, s / 8)) - x.pixels).abs().mean()) for s in range(9)]
    assert steps[0] == 0.0 and all(p < q for p, q in pairwise(steps))
    assert max(q - p for p, q in pairwise(steps)) < 1.2 * steps[-1] / 8, "no jump on the way"
    mixed = Style.mix("both", [(a, 0.6, {}), (b, 0.4, {})])
    again = Style.load(mixed.save(tmp_path / "both").parent)
    assert torch.allclose(again.apply(plain).resolve()["look"](x).pixels, made((a, 0.6), (b, 0.4)), atol=1e-6)
