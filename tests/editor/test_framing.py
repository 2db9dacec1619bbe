"""The crop tool's arithmetic: the same as the stage's own, never outside the picture, and what lines ask for."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
import torch

from editor_app import leaning
from editor_app.declared import Declarations
from editor_app.framing import Framing, Roles
from modisp.image import Frame, Image, Metadata, State
from modisp.operators.turns import EXIF, then, turned, unturned
from modisp.stage import Reading

W, H = 96, 64


def framer(declared: Declarations) -> tuple[Any, Roles]:
    for info in declared.stages.values():
        roles = Roles.of(info)
        if roles is not None:
            return info, roles
    raise AssertionError


def cases() -> list[dict[str, Any]]:
    chance = random.Random(5)
    out: list[dict[str, Any]] = []
    for i in range(40):
        x, y = chance.randint(0, 30), chance.randint(0, 20)
        crop = [] if i % 4 == 0 else [x, y, chance.randint(20, W - x), chance.randint(20, H - y)]
        bent = i % 2 == 1
        out.append(
            {
                "crop": crop,
                "angle": round(chance.uniform(-20, 20), 1) if bent else 0.0,
                "bends": (round(chance.uniform(-0.8, 0.8), 2), round(chance.uniform(-0.8, 0.8), 2))
                if i % 3 == 1
                else (0, 0),
                "quarter": chance.choice(["0", "90", "180", "270"]),
                "flips": (chance.random() < 0.3, chance.random() < 0.3),
                "orientation": chance.randint(1, 8),
            }
        )
    return out


def values_of(roles: Roles, case: dict[str, Any]) -> dict[str, Any]:
    assert roles.angle and roles.quarter and all(roles.bends) and all(roles.flips)
    out = {roles.crop.name: case["crop"], roles.angle.name: case["angle"], roles.quarter.name: case["quarter"]}
    out |= {p.name: v for p, v in zip((*roles.bends, *roles.flips), (*case["bends"], *case["flips"]), strict=True) if p}
    return out


def stage_with(info: Any, values: dict[str, Any]) -> Any:
    from modisp import list_stages

    return list_stages()[info.name](**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


@pytest.mark.parametrize("case", cases())
def test_the_tool_reckons_as_the_stage_does(declared: Declarations, case: dict[str, Any]) -> None:
    info, roles = framer(declared)
    values = values_of(roles, case)
    meta = Metadata(orientation=case["orientation"])
    stage = stage_with(info, values)
    upright = (H, W) if case["orientation"] >= 5 else (W, H)
    f = Framing.of(values, roles, upright, case["orientation"]).whole()
    assert stage.full_size((H, W), meta) == (f.box[3], f.box[2])
    # a picture whose pixels say where they lie
    y, x = torch.meshgrid(torch.arange(H) + 0.5, torch.arange(W) + 0.5, indexing="ij")
    image = Image(torch.stack([x, y, x]).float(), State.DISPLAY, meta, Frame.whole(H, W))
    out = Frame.whole(int(f.box[3]), int(f.box[2]))
    placed = stage.place(image.cut(stage.needs(out, (H, W), meta)), Reading(), None, out)
    turn = then(EXIF[case["orientation"] - 1], f.turn)
    for row, column in ((out.size[0] // 2, out.size[1] // 2), (out.size[0] // 2, out.size[1] // 2 + 5)):
        place = f.centred((f.box[0] + column + 0.5, f.box[1] + row + 0.5, 0, 0))
        sx, sy = f.source(place[0], place[1])
        sx, sy, _, _ = unturned((sx + f.plane[0] / 2, sy + f.plane[1] / 2, 0, 0), (W, H), turn)
        assert placed[0, row, column] == pytest.approx(sx, abs=0.1)
        assert placed[1, row, column] == pytest.approx(sy, abs=0.1)


@pytest.mark.parametrize("case", cases())
def test_values_make_the_same_frame_again(declared: Declarations, case: dict[str, Any]) -> None:
    _, roles = framer(declared)
    size = (float(H), float(W)) if case["orientation"] >= 5 else (float(W), float(H))
    f = Framing.of(values_of(roles, case), roles, size, case["orientation"]).whole()
    again = Framing.of(f.values(roles, case["orientation"]), roles, size, case["orientation"]).whole()
    assert again.box == f.box and again.turn == f.turn and again.angle == f.angle


def test_turns_undo_each_other() -> None:
    for turn in EXIF:
        box = (3.0, 5.0, 20.0, 10.0)
        assert unturned(turned(box, (W, H), turn), (W, H), turn) == box
        f = Framing((W, H), box, 3.0, 0.2, -0.1)
        g = f.after(turn)
        sx, sy = f.source(7, -4)
        tx, ty, _, _ = turned((7 + W / 2, -4 + H / 2, 0, 0), (W, H), turn)
        gx, gy = g.source(tx - g.plane[0] / 2, ty - g.plane[1] / 2)
        ex, ey, _, _ = turned((sx + W / 2, sy + H / 2, 0, 0), (W, H), turn)
        assert (gx + g.plane[0] / 2, gy + g.plane[1] / 2) == pytest.approx((ex, ey), abs=1e-6)


@pytest.mark.parametrize("angle", [0.0, 7.3, -30.0, 45.0])
@pytest.mark.parametrize("bend", [0.0, 0.6, -1.0])
def test_no_frame_leaves_the_picture(angle: float, bend: float) -> None:
    f = Framing((W, H), (0, 0, W, H), angle, bend, -bend / 2).shrunk()
    assert f.inside(f.box)
    for box in ((-50, -50, 40, 30), (0, 0, W, H), (60, 40, 200, 100)):
        g = f.toward(box)
        assert g.inside(g.box)
    g = f.largest(1.5)
    assert g.inside(g.box) and g.box[2] / g.box[3] == pytest.approx(1.5)
    x, y, w, h = g.box
    assert not g.inside((x - 1, y - 1, w + 2, h + 2))
    assert f.source(*f.target(5.0, -7.0)) == pytest.approx((5.0, -7.0))


def test_another_angle_keeps_the_middle_of_the_frame() -> None:
    f = Framing((600, 400), (100, 50, 200, 100))
    g = f.about(angle=8.0)
    ax, ay, aw, ah = f.centred()
    bx, by, bw, bh = g.centred()
    assert g.source(bx + bw / 2, by + bh / 2) == pytest.approx(f.source(ax + aw / 2, ay + ah / 2))


def test_a_level_line_is_made_level() -> None:
    f = Framing((600.0, 400.0), (0, 0, 600, 400))
    slanted = ((-200.0, -10.0), (200.0, 20.0))
    g = leaning.levelled(f, slanted)
    assert abs(leaning.leant(g, slanted)) < 0.01 and 0 < abs(g.angle) < 6 and g.inside(g.box)
    upright = ((5.0, -150.0), (-5.0, 150.0))
    assert abs(leaning.leant(leaning.levelled(f, upright), upright)) < 0.01


def test_lines_that_fall_together_are_made_upright() -> None:
    f = Framing((600.0, 400.0), (0, 0, 600, 400))
    crooked = replace(f, angle=2.0, vertical=0.5, horizontal=-0.2)
    made = [
        ((-200, -150), (-200, 150)),
        ((200, -150), (200, 150)),
        ((-200, -100), (200, -100)),
        ((-200, 90), (200, 90)),
    ]
    lines = [(crooked.source(*a), crooked.source(*b)) for a, b in made]
    g = leaning.upright(f, lines)
    assert g.vertical == pytest.approx(0.5, abs=0.01) and g.horizontal == pytest.approx(-0.2, abs=0.01)
    assert g.angle == pytest.approx(2.0, abs=0.1) and g.inside(g.box)
    assert max(abs(leaning.leant(g, line)) for line in lines) < 0.05
    only = leaning.upright(f, lines[:1])
    assert only.vertical == 0 and only.horizontal == 0
