"""Colour tables from files: what they say is what is looked up, and what is wrong is said in one sentence."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modisp.operators.cube import LARGEST, CubeError, parse_cube, read_cube


def table_3d(n: int, f=lambda r, g, b: (r, g, b), head: str = "") -> str:
    rows = [f(r / (n - 1), g / (n - 1), b / (n - 1)) for b in range(n) for g in range(n) for r in range(n)]
    return f"{head}LUT_3D_SIZE {n}\n" + "\n".join(" ".join(f"{v:.6f}" for v in row) for row in rows) + "\n"


def colours(n: int = 500, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
    return torch.rand(3, n, generator=torch.Generator().manual_seed(7)) * (high - low) + low


def test_red_runs_fastest_and_channels_keep_their_places() -> None:
    cube = parse_cube(table_3d(5, lambda r, g, b: (r, g / 2, b / 4)))
    x = colours()
    assert torch.allclose(cube(x), x * torch.tensor([1, 0.5, 0.25])[:, None], atol=1e-5)


def test_between_the_entries_colours_are_interpolated() -> None:
    cube = parse_cube(table_3d(2, lambda r, g, b: (r * g, g * b, b * r)))
    r, g, b = x = colours()
    assert torch.allclose(cube(x), torch.stack([r * g, g * b, b * r]), atol=1e-5)


def test_one_dimensional_tables_treat_each_channel() -> None:
    text = '# a comment\nTITLE "half, as it is, turned"\nLUT_1D_SIZE 3\n0 0 1\n.25 .5 .5\n5e-1 1 0\n'
    cube = parse_cube(text)
    x = colours()
    assert cube.title == "half, as it is, turned"
    assert torch.allclose(cube(x), torch.stack([x[0] / 2, x[1], 1 - x[2]]), atol=1e-6)


@pytest.mark.parametrize("bounds", ["DOMAIN_MIN -1 -1 -1\nDOMAIN_MAX 3 3 3\n", "LUT_3D_INPUT_RANGE -1 3\n"])
def test_the_domain_is_where_the_table_lies(bounds: str) -> None:
    cube = parse_cube(table_3d(3, lambda r, g, b: (4 * r - 1, 4 * g - 1, 4 * b - 1), bounds))
    x = colours(low=-1.0, high=3.0)
    assert torch.allclose(cube(x), x, atol=1e-5)


def test_outside_the_domain_the_offset_is_kept() -> None:
    cube = parse_cube(table_3d(4))
    x = colours(low=-2.0, high=3.0)
    assert torch.allclose(cube(x), x, atol=1e-5)
    assert torch.isfinite(cube(x * 1e6)).all()


def test_a_file_may_declare_its_space() -> None:
    assert parse_cube(table_3d(2)).space == "srgb"
    assert parse_cube(table_3d(2, head="# INPUT_SPACE rec2020\n")).space == "rec2020"
    with pytest.raises(CubeError, match="declares the space 'cmyk'"):
        parse_cube(table_3d(2, head="#INPUT_SPACE cmyk\n"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no LUT_1D_SIZE or LUT_3D_SIZE"),
        ("LUT_3D_SIZE 2\n0 0 0\n", "1 rows of colours where its size asks for 8"),
        ("LUT_3D_SIZE 1\n0 0 0\n", f"2 to {LARGEST[3]} is possible"),
        ("LUT_3D_SIZE 4000\n", f"2 to {LARGEST[3]} is possible"),
        ("LUT_1D_SIZE 2.5\n", f"2 to {LARGEST[1]} is possible"),
        ("LUT_1D_SIZE 2\n0 0 0\n1 1\n", "6 numbers are needed, 5 are there"),
        ("LUT_1D_SIZE 2\n0 0 0\n1 1 1e999\n", "not finite"),
        ("LUT_1D_SIZE 2\n0 0 0\n1 1 1x\n", "'1x' is not a number"),
        ("LUT_1D_SIZE 2\nLUT_3D_SIZE 2\n", "both a 1D and a 3D table"),
        ("LUT_1D_SIZE 2\nDOMAIN_MIN 1 0 0\n0 0 0\n1 1 1\n", "DOMAIN_MIN that is not below"),
        ("LUT_1D_SIZE 2\nDOMAIN_MAX 1 1\n0 0 0\n1 1 1\n", "3 numbers are needed, 2 are there"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(text: str, says: str) -> None:
    with pytest.raises(CubeError, match=says) as e:
        parse_cube(text, "a.cube")
    assert str(e.value).startswith("a.cube") and str(e.value).endswith(".") and "\n" not in str(e.value)


_pieces = st.sampled_from(
    """LUT_3D_SIZE 2|LUT_1D_SIZE 4|LUT_3D_SIZE|DOMAIN_MIN|DOMAIN_MAX 0 0 0|TITLE|#|# INPUT_SPACE|0 0 0|1 .5 -2e3|nan 0 1
1e400 0 0|LUT_3D_INPUT_RANGE 1 0|1 2|\0|+|-|.|0_1 1 1""".replace("\n", "|").split("|")
)


@given(st.lists(_pieces | st.text(max_size=12), max_size=14).map("\n".join))
@settings(max_examples=300, deadline=None)
def test_no_text_does_harm(text: str) -> None:
    try:
        cube = parse_cube(text)
    except CubeError as e:
        assert "\n" not in str(e) and len(str(e)) < 200
    else:
        assert torch.isfinite(cube(colours(20, -1, 2))).all()


@given(st.binary(max_size=200), st.integers(0, 400))
@settings(max_examples=100, deadline=None)
def test_no_file_does_harm(tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int) -> None:
    path = tmp_path_factory.mktemp("cube") / "damaged.cube"
    good = table_3d(3).encode()
    path.write_bytes(good[:at] + noise + good[at + len(noise) :])
    try:
        cube = read_cube(path)
    except CubeError as e:
        assert "\n" not in str(e) and "damaged.cube" in str(e)
    else:
        assert torch.isfinite(cube(colours(20))).all()


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.cube", Path("a\0b.cube")):
        with pytest.raises(CubeError, match=r"cannot be read: .+\.$"):
            read_cube(path)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.cube"
    path.write_text(table_3d(2))
    first = read_cube(path)
    assert read_cube(path) is first and len(first.digest) == 64
    path.write_text(table_3d(3))
    assert read_cube(path).digest != first.digest
