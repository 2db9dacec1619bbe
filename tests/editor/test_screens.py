"""What reaches the screen: every pixel at 1:1 on dense screens, and the monitor's profile on the way, nowhere else."""

from __future__ import annotations

import ctypes
import functools
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtCore import QSettings
from PySide6.QtGui import QColor, QColorSpace, QImage, QPainter, QTransform

from editor_app.engine import screens
from editor_app.engine.screens import Screen
from editor_app.monitor import NONE, SETTING, Monitor, _x11_property, system_profile
from editor_app.panes import Difference, Pane
from editor_app.viewport import Viewport
from editor_app.worker import Picture
from modisp.color import icc, transfer

SHARP = """
import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from editor_app import theme
app = QApplication([])
theme.use("dark")
from editor_app.viewer import Viewer
from editor_app.worker import Picture
v = Viewer()
v.resize(700, 500)
v.show()
app.processEvents()
def picture(w, h, rect, full):
    y, x = np.mgrid[:h, :w]
    a = np.zeros((h, w, 4), np.uint8)
    a[..., :3] = (((x + y) % 2) * 255)[..., None]
    image = QImage(a.tobytes(), w, h, 4 * w, QImage.Format.Format_RGB32).copy()
    return Picture(image, {"rect": rect, "full": [full[1], full[0]]}, None)
def shown(place):
    g = v.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    a = np.frombuffer(g.constBits(), np.uint8).reshape(g.height(), g.width(), 4)[..., 1]
    x, y, w, h = (round(n * v.port.ratio) for n in place)
    return a[max(0, y):y + h, max(0, x):x + w].copy()
full = (3000, 2000)
v.set_full(full)
w, h = v.port.wanted()[1]
v.show_picture(picture(w, h, [0, 0, *full], full))
fit = shown(v.port.rect().getRect())
fit = fit[20:-20, 20:-200]
v.set_zoom(1.0)
(x, y, w, h), size = v.port.wanted()
x, y, w, h = (int(n) for n in (x, y, w, h))
v.show_picture(picture(w, h, [x, y, w, h], full))
one = shown((0, 0, v.width(), v.height()))[20:-20, 20:-400]
for a in (fit, one):
    assert a.shape[0] > 100 and set(np.unique(a).tolist()) == {0, 255}, (a.shape, np.unique(a)[:9])
    assert (a[1:, 1:] == a[:-1, :-1]).all() and (a[1:] != a[:-1]).all()
print(v.port.ratio)
"""


@pytest.mark.parametrize("factor", ["1", "1.25", "1.5", "2"])
def test_a_pixel_of_the_rendering_is_a_pixel_of_the_screen(factor: str) -> None:
    env = os.environ | {"QT_SCALE_FACTOR": factor, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", SHARP], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.strip()) == float(factor)


def image() -> QImage:
    y, x = np.mgrid[:40, :60]
    a = np.stack([x * 4, y * 6, 255 - x * 4, x % 8], 2).astype(np.uint8)
    return QImage(a.tobytes(), 60, 40, 240, QImage.Format.Format_RGB32).copy()


def values(i: QImage) -> np.ndarray:  # type: ignore[type-arg]
    return np.frombuffer(i.constBits(), np.uint8).reshape(i.height(), i.width(), 4)[..., :3].copy()


def test_the_monitors_profile_counts_on_the_way_to_the_screen_only(tmp_path: Path) -> None:
    profile = tmp_path / "wide.icc"
    wide = QColorSpace(QColorSpace.NamedColorSpace.AdobeRgb)
    profile.write_bytes(wide.iccProfile().data())
    QSettings().setValue(SETTING, str(profile))
    m = Monitor()
    m.load()
    assert m.transform is not None and not m.problem
    q = Picture(image(), {"rect": [0, 0, 60, 40], "full": [40, 60]}, None)
    before = q.image.copy()
    seen = m.picture(q)
    assert q.image == before and m.picture(q) is seen  # made once, and the rendering stays what it was
    want = image()
    want.setColorSpace(QColorSpace(QColorSpace.NamedColorSpace.SRgb))
    want.convertToColorSpace(wide)
    assert np.abs(values(seen).astype(int) - values(want.convertToFormat(QImage.Format.Format_RGB32))).max() <= 1
    assert np.abs(values(seen).astype(int) - values(before)).max() > 5


def test_a_profile_that_cannot_be_used_says_so_and_leaves_srgb(tmp_path: Path) -> None:
    bad = tmp_path / "bad.icc"
    bad.write_bytes(b"no profile")
    for path in (bad, tmp_path / "gone.icc"):
        QSettings().setValue(SETTING, str(path))
        m = Monitor()
        m.load()
        assert m.transform is None and path.name in m.problem
    QSettings().setValue(SETTING, NONE)
    m.load()
    assert not m.problem and m.transform is None


class FakeX:
    """An X server's root window with one property, behind the functions that are called of Xlib."""

    def __init__(self, name: bytes, data: bytes) -> None:
        self.name, self.data = name, ctypes.create_string_buffer(data, len(data))
        self.freed = self.closed = 0
        for f in ("XOpenDisplay", "XDefaultRootWindow", "XInternAtom", "XGetWindowProperty", "XFree", "XCloseDisplay"):
            setattr(self, f, functools.partial(getattr(self, f"_{f}")))

    def _XOpenDisplay(self, name: object) -> int:
        return 77

    def _XDefaultRootWindow(self, display: object) -> int:
        return 5

    def _XInternAtom(self, display: object, name: bytes, only_if_there: int) -> int:
        return 9 if name == self.name else 0

    def _XGetWindowProperty(self, display: object, root: object, atom: object, *rest: object) -> int:
        kind, form, items, left, data = (r._obj for r in rest[-5:])  # type: ignore[attr-defined]
        kind.value, form.value, items.value, left.value = 6, 8, len(self.data), 0
        where = ctypes.c_void_p(ctypes.addressof(self.data))
        ctypes.memmove(ctypes.addressof(data), ctypes.addressof(where), ctypes.sizeof(where))
        return 0

    def _XFree(self, data: object) -> None:
        self.freed += 1

    def _XCloseDisplay(self, display: object) -> None:
        self.closed += 1


def test_the_profile_of_the_x_server_is_read_whole_and_let_go() -> None:
    profile = QColorSpace(QColorSpace.NamedColorSpace.DisplayP3).iccProfile().data()
    x = FakeX(b"_ICC_PROFILE", profile)
    assert _x11_property(x, b"_ICC_PROFILE") == profile  # type: ignore[arg-type]
    assert (x.freed, x.closed) == (1, 1)
    assert _x11_property(x, b"_ICC_PROFILE_1") == b"" and x.closed == 2  # type: ignore[arg-type]


def test_a_window_without_an_x_server_has_no_system_profile() -> None:
    assert system_profile() == b""


def test_a_difference_knows_nothing_of_the_monitor() -> None:
    q = Picture(image(), {"rect": [0, 0, 60, 40], "full": [40, 60]}, None)
    pane = Pane(Viewport())
    pane.camera, pane.still = q.image.copy(), q.image.convertToFormat(QImage.Format.Format_RGB32)
    pane.still.fill(0)  # as if the monitor's transform had blackened it
    made = Difference()
    assert set(np.unique(values(made.of(q, pane, False))).tolist()) == {128} and made.mean == 0


def test_what_is_compared_with_is_as_sharp_as_the_picture() -> None:
    y, x = np.mgrid[:40, :60]
    checks = np.repeat((((x + y) % 2) * 255).astype(np.uint8)[..., None], 4, 2)
    fine = QImage(checks.tobytes(), 60, 40, 240, QImage.Format.Format_RGB32).copy()
    pane = Pane(Viewport())
    pane.show(Picture(fine, {"rect": [0, 0, 600, 400], "full": [400, 600]}, None))
    out = QImage(80, 60, QImage.Format.Format_RGB32)
    out.fill(0)
    p = QPainter(out)
    onto = QTransform.fromScale(0.1 + 1e-9, 0.1 - 1e-9) * QTransform.fromTranslate(7, 11)
    pane.paint_onto(p, onto, lambda q: q.image, True)
    p.end()
    assert (values(out)[11:51, 7:67] == values(fine)).all()


PROFILES: dict[str, Callable[[], bytes]] = {
    "parametric curves": lambda: icc.profile("display-p3"),
    "a power": lambda: bytes(QColorSpace(QColorSpace.NamedColorSpace.AdobeRgb).iccProfile().data()),
    "a table": lambda: icc_with_tables("rec2020"),
}


def icc_with_tables(space: str) -> bytes:
    """The profile of a space with its curve as 1024 numbers."""
    data = bytearray(icc.profile(space))
    count = int.from_bytes(data[128:132], "big")
    rows = transfer.decode(space, torch.linspace(0, 1, 1024, dtype=torch.float64)).mul(65535).round().int().tolist()
    table = struct.pack(f">4sII{len(rows)}H", b"curv", 0, len(rows), *rows)
    for i in range(count):
        at = 132 + 12 * i
        if bytes(data[at : at + 4]) in (b"rTRC", b"gTRC", b"bTRC"):
            data[at + 4 : at + 12] = struct.pack(">II", len(data), len(table))
    data += table
    data[0:4] = len(data).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize("kind", PROFILES)
def test_light_becomes_what_the_profile_says(kind: str) -> None:
    profile = PROFILES[kind]()
    space = QColorSpace.fromIccProfile(profile)
    assert space.isValid()
    g = torch.Generator().manual_seed(2)
    light = torch.rand(3, 40, 50, generator=g) ** 3
    got = Screen(profile).bytes(light, "srgb").numpy().astype(int)
    source = QColorSpace(QColorSpace.NamedColorSpace.SRgbLinear)
    to = source.transformationToColorSpace(space)
    for y, x in ((0, 0), (7, 9), (39, 49), (20, 3)):
        colour = to.map(QColor.fromRgbF(*(float(v) for v in light[:, y, x])))
        want = [255 * v for v in (colour.redF(), colour.greenF(), colour.blueF())]
        assert np.abs(got[:, y, x] - want).max() <= 0.75


def test_a_profile_of_tables_is_applied_too(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = icc.profile("display-p3")
    exact = Screen(profile)
    monkeypatch.setattr(screens, "_xyz", lambda tag: [])
    monkeypatch.setattr(screens, "_tags", lambda p: {})
    other = Screen(profile)
    assert other.space == exact.space == "display-p3"
    light = torch.rand(3, 30, 30, generator=torch.Generator().manual_seed(3))
    assert (other.bytes(light, "srgb").int() - exact.bytes(light, "srgb").int()).abs().max() <= 3


@pytest.mark.parametrize(("space", "named"), [("srgb", "srgb"), ("adobe-rgb", "adobe-rgb"), ("rec2020", "rec2020")])
def test_the_smallest_space_that_holds_a_monitors_colours(space: str, named: str) -> None:
    assert Screen(icc.profile(space)).space == named


def test_what_is_no_profile_of_a_monitor_is_refused() -> None:
    for bad in (b"", b"no profile", icc.profile("srgb")[:100], icc.profile("srgb").replace(b"RGB XYZ ", b"CMYKLab ")):
        with pytest.raises(ValueError):
            Screen(bad)


def test_a_wide_monitor_shows_more_than_srgb_and_readouts_stay(tmp_path: Path) -> None:
    """At 1:1: the monitor gets what an export into its space holds, everything else what one into sRGB holds."""
    from editor_app.engine.opened import Opened
    from editor_app.engine.render import render
    from modisp import Image, Metadata, Recipe, State, develop, save_image
    from modisp.cache import Cache

    mosaic = torch.full((1, 300, 420), 0.02)
    mosaic[0, ::2, ::2] += 0.5 * torch.linspace(0, 1, 210)  # red, more and more
    save_image(Image(mosaic, State.MOSAIC, Metadata(iso=100.0, white=(0.5, 1.0, 0.7))), tmp_path / "r.dng")
    o = Opened.open(tmp_path / "r.dng", Cache(memory=1 << 28))
    recipe = Recipe.default(o.image)
    ident, p = next(
        (e.id, p)
        for e in recipe.entries
        for n, p in e.active().params().items()
        if n == "saturation" and p.kind == "number"
    )
    plain = o.plain(recipe.set(ident, saturation=p.high).dump())
    o.develop_raw(plain, lambda: False, lambda *_: None)
    rect = [40, 30, 300, 250]
    asked = {"rect": rect, "size": (300, 250)}
    made = render(o, o.image, plain, asked, lambda: False, screen=Screen(icc.profile("display-p3")))
    bare = render(o, o.image, plain, asked, lambda: False)
    assert made.view.screen is not None and bare.view.screen is None
    assert np.array_equal(made.view.pixels, bare.view.pixels) and made.view.histogram == bare.view.histogram
    proof = render(o, o.image, plain, asked, lambda: False, screen=Screen(icc.profile("display-p3"), proof=True))
    wide = plain.set(plain.entries[-1].id, space="display-p3")
    for recipe, shown, most in ((plain, made.view.pixels, 0), (wide, made.view.screen, 1)):
        want = develop(o.path, recipe, region=tuple(rect), cache=o.cache, dtype=torch.uint8)  # type: ignore[arg-type]
        gap = shown[..., 2::-1].astype(int) - want.pixels.permute(1, 2, 0).numpy()
        assert np.abs(gap).max() <= most
    narrow = torch.from_numpy(made.view.pixels[..., 2::-1] / 255.0).permute(2, 0, 1)
    of_srgb = Screen(icc.profile("display-p3")).bytes(transfer.decode("srgb", narrow), "srgb").permute(1, 2, 0)
    assert np.abs(of_srgb.numpy().astype(int) - made.view.screen[..., 2::-1]).max() > 8
    assert proof.view.screen is not None
    assert np.abs(of_srgb.numpy().astype(int) - proof.view.screen[..., 2::-1]).max() <= 1
