"""The engine process, with real pictures: what it tells, and that its pixels are the library's."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from editor_app import recipes
from editor_app.declared import Declarations
from editor_app.engine import views
from editor_app.worker import Engine, Picture
from modisp import Image, Metadata, Recipe, State, develop, list_stages, open_image, save_image
from modisp.stage import Cancelled


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small RAW file and a small picture."""
    where = tmp_path_factory.mktemp("pictures")
    g = torch.Generator().manual_seed(1)
    y, x = torch.meshgrid(torch.linspace(0, 1, 300), torch.linspace(0, 1, 420), indexing="ij")
    mosaic = (0.05 + 0.5 * x * y + 0.02 * torch.rand(300, 420, generator=g))[None]
    meta = Metadata(make="Maker", model="Model", iso=200.0, white=(0.5, 1.0, 0.7), orientation=6)
    save_image(Image(mosaic, State.MOSAIC, meta), where / "raw.dng")
    rgb = (torch.stack([x, y, 1 - x], 2) * 255).to(torch.uint8).numpy()
    Pillow.fromarray(rgb).save(where / "picture.png")
    return where


@pytest.fixture(scope="module")
def engine(qapp: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    e = Engine()
    e.start()
    yield e
    e.close()
    assert e.process.exitCode() == 0
    assert not e.pool.folder.exists()


def opened(qtbot: Any, engine: Engine, path: Path) -> dict[str, Any]:
    with qtbot.waitSignal(engine.opened) as found:
        engine.send("open", path=str(path))
    return dict(found.args[0])


def rendered(
    qtbot: Any, engine: Engine, path: Path, recipe: Any, size: tuple[int, int] = (200, 200), **more: Any
) -> Picture:
    with qtbot.waitSignal(engine.pictured) as found:
        engine.request("fit", path, recipe, size, **more)
    return found.args[0]  # type: ignore[no-any-return]


def settled(qtbot: Any, engine: Engine, path: Path, recipe: Any, **more: Any) -> Picture:
    """The rendering after the RAW zone is there, and has said so."""
    refined: list[Any] = []
    engine.refined.connect(refined.append)
    picture = rendered(qtbot, engine, path, recipe, **more)
    if picture.told["refining"]:
        qtbot.waitUntil(lambda: bool(refined))
        picture = rendered(qtbot, engine, path, recipe, **more)
    engine.refined.disconnect(refined.append)
    assert not picture.told["refining"]
    return picture


def pixels(p: Picture) -> np.ndarray[Any, Any]:
    h, w = p.image.height(), p.image.width()
    return np.frombuffer(p.image.constBits(), np.uint8).reshape(h, w, 4)[..., 2::-1].copy()


def test_a_raw_file_is_quick_first_and_then_the_librarys(qtbot: Any, engine: Engine, folder: Path) -> None:
    told = opened(qtbot, engine, folder / "raw.dng")
    assert told["facts"]["model"] == "Model" and not told["edited"] and told["full"] == [420, 300]
    recipe = told["recipe"]
    first = rendered(qtbot, engine, folder / "raw.dng", recipe)
    assert first.told["full"] == [420, 300] and first.rect == (0, 0, 300, 420)
    final = settled(qtbot, engine, folder / "raw.dng", recipe)
    want = develop(folder / "raw.dng", Recipe.load(recipe), scale=200 / 420)
    assert final.told["state"] == "ENCODED" and sum(map(sum, final.told["histogram"])) == 3 * 200 * 143
    bytes_ = (want.pixels.permute(1, 2, 0) * 255).round().numpy()
    assert np.abs(pixels(final).astype(float) - bytes_).max() <= 1


def test_one_to_one_is_a_region_at_full_size(qtbot: Any, engine: Engine, folder: Path) -> None:
    recipe = opened(qtbot, engine, folder / "raw.dng")["recipe"]
    p = settled(qtbot, engine, folder / "raw.dng", recipe, rect=[40, 60, 100, 80], size=(100, 80))
    want = develop(folder / "raw.dng", Recipe.load(recipe), region=(40, 60, 100, 80))
    assert p.rect == (40, 60, 100, 80)
    assert np.abs(pixels(p).astype(float) - (want.pixels.permute(1, 2, 0) * 255).round().numpy()).max() <= 1


@pytest.mark.parametrize("where", ["whole", "part"])
def test_a_drag_of_a_strength_of_the_raw_zone_is_drafted(
    qtbot: Any, engine: Engine, folder: Path, declared: Declarations, where: str
) -> None:
    path = folder / "raw.dng"
    recipe = opened(qtbot, engine, path)["recipe"]
    more: dict[str, Any] = {"rect": [40, 60, 100, 80], "size": (100, 80)} if where == "part" else {}
    e = next(e for e in recipe["entries"] if list_stages()[e["stage"]].straight)
    p = declared.stages[e["stage"]].param(list_stages()[e["stage"]].straight[0])
    begun = pixels(settled(qtbot, engine, path, recipe, **more))
    refined: list[Any] = []
    engine.refined.connect(refined.append)
    for k in (2, 1, 0):
        value = p.low + (0.02 + 0.01 * k + 0.1 * (where == "part")) * (p.high - p.low)
        moved = recipes.with_value(recipe, e["id"], p, value)
        held = rendered(qtbot, engine, path, moved, held=True, **more)
        assert held.told["drafted"] and held.told["refining"]
    qtbot.wait(100)
    assert not refined, "while the slider is held nothing is developed but what is shown"
    loose = rendered(qtbot, engine, path, moved, **more)
    assert not loose.told["drafted"] and (not loose.told["refining"] or np.array_equal(pixels(loose), pixels(held)))
    exact = pixels(settled(qtbot, engine, path, moved, **more)).astype(float)
    moved_by, off = np.abs(exact - begun).mean(), np.abs(exact - pixels(held)).mean()
    assert moved_by > 0.1 and off < 0.5 * moved_by, (moved_by, off)


def test_a_picture_that_is_opened_again_is_not_inferred_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in a running editor, whose engine has put it away in the meantime, nor in one that was started anew."""
    from editor_app.engine.opened import Opened
    from editor_app.engine.render import render
    from modisp.cache import Cache
    from modisp.stage import Stage

    ran: list[str] = []

    def counted(cls: type[Stage]) -> Any:
        plain = cls.infer

        def infer(self: Stage, image: Image, reading: Any) -> Any:
            ran.append(cls.name)
            return plain(self, image, reading)

        return infer

    for cls in list_stages().values():
        if "infer" in vars(cls):
            monkeypatch.setattr(cls, "infer", counted(cls))
    for memory in (1 << 28, 1 << 10):  # the second holds nothing, as after many other pictures
        cache = Cache(memory=memory, folder=tmp_path)
        o = Opened.open(folder / "raw.dng", cache)
        plain = o.plain(Recipe.default(o.image).set("exposure", ev=0.3).dump())
        o.develop_raw(plain, lambda: False, lambda *_: None)
        source, recipe, standing_in = o.hybrid(plain)
        assert not standing_in
        render(o, source, recipe, {"size": (200, 200)}, lambda: False)
        if memory == 1 << 28:
            assert ran
            ran.clear()
    assert not ran


def test_what_is_shown_first_has_the_colours_of_what_comes(tmp_path: Path) -> None:
    """Shading that the file corrects per filter, and light that clips one channel before the others."""
    from editor_app.engine.opened import Opened
    from editor_app.engine.render import render
    from modisp.cache import Cache
    from modisp.image import Opcode

    h, w = 320, 480
    light = torch.linspace(0.1, 1.6, w).expand(h, w)
    mosaic = (light * torch.tensor([[0.5, 1.0], [1.0, 0.6]]).repeat(h // 2, w // 2)).clamp(max=1.0)[None]
    maps = []
    for top, left, gain in ((0, 0, 1.0), (0, 1, 1.4), (1, 0, 1.4), (1, 1, 1.2)):
        area = {"top": top, "left": left, "bottom": h, "right": w, "plane": 0, "planes": 1}
        area |= {"row_pitch": 2, "column_pitch": 2}
        gains = [[[gain], [1.0]]] * 2
        maps.append(Opcode(2, "GainMap", {"area": area, "spacing": [1.0, 1.0], "origin": [0.0, 0.0], "gains": gains}))
    meta = Metadata(iso=100.0, white=(0.5, 1.0, 0.6), noise=((1e-6, 1e-8),), opcodes=tuple(maps))
    save_image(Image(mosaic, State.MOSAIC, meta), tmp_path / "r.dng")
    o = Opened.open(tmp_path / "r.dng", Cache(memory=1 << 28))
    plain = o.plain(o.default.dump())
    seen = []
    for _ in range(2):
        source, recipe, standing_in = o.hybrid(plain)
        made = render(o, source, recipe, {"size": (120, 120)}, lambda: False)
        seen.append((standing_in, made.view.pixels[..., :3].astype(float)))
        o.develop_raw(plain, lambda: False, lambda *_: None)
    (first, quick), (last, exact) = seen
    assert first and not last and quick.shape == exact.shape
    assert np.abs(quick - exact).mean() < 1.5 and np.abs(quick.mean((0, 1)) - exact.mean((0, 1))).max() < 1.0


def test_the_look_is_worked_on_while_the_raw_zone_is_developed_once(
    folder: Path, declared: Declarations, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io
    import threading

    from editor_app.engine.opened import Opened
    from editor_app.engine.serve import Server

    go, begun = threading.Event(), []

    def slowly(self: Opened, plain: Recipe, ask: Any, tell: Any) -> dict[str, float]:
        begun.append(plain)
        while not go.wait(0.01):
            if ask():
                raise Cancelled
        return {}

    monkeypatch.setattr(Opened, "develop_raw", slowly)
    server = Server(io.StringIO())
    recipe = Recipe.default(open_image(folder / "raw.dng")).dump()
    row = {"path": str(folder / "raw.dng"), "kind": "base", "size": (60, 60)}
    monkeypatch.setattr(server, "_page", lambda _: Room())
    for k in range(4):
        moved = recipes.with_value(recipe, "exposure", declared.stages["exposure"].param("ev"), k / 4)
        assert server._render({**row, "recipe": moved, "page": {}}, lambda: False)["refining"]
    assert len(begun) == 1
    server.do_cancel({"what": "raw"})
    server._render({**row, "recipe": recipe, "page": {}}, lambda: False)
    go.set()
    server.raw.drain(60)
    assert len(begun) == 2


def test_small_pictures_wait_until_the_hand_rests(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from editor_app.engine.serve import Server
    from editor_app.engine.smalls import REST

    server = Server(io.StringIO())
    monkeypatch.setattr(server, "_page", lambda _: Room())
    recipe = Recipe.default(open_image(folder / "picture.png")).dump()
    row = {"path": str(folder / "picture.png"), "kind": "base", "size": (60, 60), "recipe": recipe, "page": {}}
    server._render(row, lambda: False)
    assert not server._wanted()
    server._render({**row, "held": True}, lambda: False)
    assert server._wanted()  # between two pictures of a drag, too
    server.held -= REST
    assert not server._wanted()


class Room:
    """A page that nobody looks at."""

    size = 1 << 20
    map = bytearray(size)


def test_every_boundary_can_be_viewed_upright(qtbot: Any, engine: Engine, folder: Path) -> None:
    recipe = opened(qtbot, engine, folder / "raw.dng")["recipe"]
    settled(qtbot, engine, folder / "raw.dng", recipe)
    for e in recipe["entries"]:
        p = rendered(qtbot, engine, folder / "raw.dng", recipe, until=e["id"])
        assert p.image.height() > p.image.width(), e["id"]
        assert p.told["state"] in State.__members__
    with qtbot.waitSignal(engine.probed) as found:
        engine.send("probe", x=0.5, y=0.5, serial=3)
    assert found.args[0]["serial"] == 3 and len(found.args[0]["values"]) == 3


def test_a_picture_has_no_raw_zone(qtbot: Any, engine: Engine, folder: Path, declared: Declarations) -> None:
    told = opened(qtbot, engine, folder / "picture.png")
    p = rendered(qtbot, engine, folder / "picture.png", told["recipe"])
    assert not p.told["refining"] and (p.image.width(), p.image.height()) == (200, 143)
    assert told["recipe"] == told["default"] == declared.default["picture"]


def test_strip_thumbnails_come_for_every_boundary(qtbot: Any, engine: Engine, folder: Path) -> None:
    recipe = opened(qtbot, engine, folder / "raw.dng")["recipe"]
    settled(qtbot, engine, folder / "raw.dng", recipe)
    found: dict[str, Any] = {}
    engine.strip.connect(lambda m: found.__setitem__(m["entry"], m))
    engine.send("strip", path=str(folder / "raw.dng"), recipe=recipe, serial=1, width=48, height=44)
    qtbot.waitUntil(lambda: len(found) == len(recipe["entries"]))
    assert any(not m["neutral"] and m["width"] == 48 for m in found.values())
    assert any(m["neutral"] for m in found.values())


def test_what_cannot_be_opened_is_said_in_a_sentence(qtbot: Any, engine: Engine, tmp_path: Path) -> None:
    bad = tmp_path / "bad.dng"
    bad.write_bytes(b"II*\0 no picture")
    with qtbot.waitSignal(engine.unopened) as found:
        engine.send("open", path=str(bad))
    assert "bad.dng" in found.args[0]["why"] and "\n" not in found.args[0]["why"]


def test_swap_keeps_to_the_library(qtbot: Any, engine: Engine, folder: Path, declared: Declarations) -> None:
    recipe = declared.default["raw"]
    e = next(e for e in recipe["entries"] if len(declared.fitting(e["slot"])) > 1)
    other = next(s for s in declared.fitting(e["slot"]) if s.name != e["stage"])
    with qtbot.waitSignal(engine.swapped) as found:
        engine.send("swap", path="x", recipe=recipe, stage=other.name)
    assert found.args[0]["recipe"] == json.loads(json.dumps(Recipe.load(recipe).swap(other.name).dump()))


def save(qtbot: Any, engine: Engine, path: Path, recipe: Any, stamp: Any, **more: Any) -> str:
    heard: list[tuple[str, Any]] = []
    for name in ("saved", "conflict", "unsaved"):
        getattr(engine, name).connect(lambda m, name=name: heard.append((name, m)))
    engine.send("save", path=str(path), recipe=recipe, history=[], rating=2, label="", stamp=stamp, **more)
    qtbot.waitUntil(lambda: bool(heard))
    return heard[0][0]


def test_sidecars_are_saved_and_never_over_somebody_elses(
    qtbot: Any, engine: Engine, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "p.png"
    path.write_bytes((folder / "picture.png").read_bytes())
    told = opened(qtbot, engine, path)
    assert not path.with_name("p.png.modisp").exists()
    recipe = recipes.with_looks(told["recipe"], [{"name": "x", "strength": 0.5, "values": {}}])
    assert save(qtbot, engine, path, recipe, told["stamp"]) == "saved"
    sidecar = path.with_name("p.png.modisp")
    assert json.loads(sidecar.read_text())["rating"] == 2
    assert save(qtbot, engine, path, recipe, told["stamp"]) == "saved", "what it has written itself is no conflict"
    sidecar.write_text(sidecar.read_text() + "\n")  # somebody else does
    before = sidecar.read_text()
    assert save(qtbot, engine, path, told["recipe"], told["stamp"]) == "conflict"
    assert sidecar.read_text() == before
    assert save(qtbot, engine, path, told["recipe"], told["stamp"], force=True) == "saved"
    again = opened(qtbot, engine, path)
    assert again["edited"] and again["rating"] == 2


def test_export_is_the_librarys(qtbot: Any, engine: Engine, folder: Path, tmp_path: Path) -> None:
    told = opened(qtbot, engine, folder / "raw.dng")
    with qtbot.waitSignal(engine.exported):
        wanted = {"bits": 16}
        target = str(tmp_path / "out" / "a.tif")
        engine.send("export", id=5, path=str(folder / "raw.dng"), target=target, recipe=told["recipe"], wanted=wanted)
    made = open_image(tmp_path / "out" / "a.tif")
    assert made.pixels.shape[1:] == (420, 300)
    with qtbot.waitSignal(engine.unexported) as found:
        engine.send("export", id=6, path=str(folder / "raw.dng"), target=target, recipe=told["recipe"], wanted=wanted)
    assert found.args[0]["why"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_and_unturned_are_inverse(orientation: int) -> None:
    stored = torch.arange(15.0).reshape(1, 3, 5)
    shown = views.upright(stored, orientation)
    assert tuple(shown.shape[1:]) == views.turned((3, 5), orientation)
    for i in range(shown.shape[1]):
        for j in range(shown.shape[2]):
            x, y, _, _ = views.unturned((j, i, 1, 1), (3, 5), orientation)
            assert stored[0, int(y), int(x)] == shown[0, i, j]


def test_cells_average_each_colour() -> None:
    mosaic = torch.tensor([[1.0, 2.0], [4.0, 7.0]]).repeat(2, 3)[None]
    out = views.cells(Image(mosaic, State.MOSAIC, Metadata(cfa=("RG", "GB"))))
    assert out.pixels.shape == (3, 2, 3) and out.pixels[:, 0, 0].tolist() == [1.0, 3.0, 7.0]
    assert out.frame.pitch == (2.0, 2.0)


def test_the_windows_modules_do_not_import_torch() -> None:
    import subprocess

    code = (
        "import sys, importlib, pkgutil, editor_app\n"
        "for m in pkgutil.iter_modules(editor_app.__path__):\n"
        "    if m.name != 'engine': importlib.import_module('editor_app.' + m.name)\n"
        "print('torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ}, check=True)
    assert out.stdout.strip() == "False"


def test_a_pick_is_not_widened_by_stages_that_read_round_a_pixel(folder: Path) -> None:
    from editor_app.engine.opened import Opened, located
    from modisp import Recipe
    from modisp.cache import Cache

    o = Opened.open(next(p for p in sorted(folder.iterdir()) if p.suffix == ".dng"), Cache(memory=1 << 26))
    plain = Recipe.default(o.image)
    rect = (20.0, 12.0, 16.0, 8.0)
    bare = located(o, plain, "white_balance", rect)
    wide = plain.set("presence", clarity=1.0, dehaze=0.5).set("halation", amount=1.0).set("detail", amount=1.0)
    assert located(o, wide, "white_balance", rect) == bare and sorted(bare[2:]) == [8.0, 16.0]
    turned = located(o, plain.set("geometry", straighten=10.0), "white_balance", rect)
    assert turned[2] > bare[2] and turned[3] > bare[3]


def test_steps_of_an_older_history_get_the_stages_that_came_since() -> None:
    from editor_app.engine.opened import _renewed
    from modisp import Recipe

    now = Recipe.default().dump()
    old = {**now, "entries": [e for e in now["entries"] if e["id"] not in ("grain", "mixer")]}
    assert _renewed({"kind": "step", "name": "x", "recipe": old})["recipe"] == now
    for row in ({"kind": "at", "step": 3}, {"recipe": {"entries": 1}}, {"recipe": "?"}, 7):
        assert _renewed(row) == row
