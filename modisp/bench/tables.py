"""What the tables of quality share: pictures, scores, costs, markdown, JSON, and sheets of the worst crops."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as Picture
from PIL import ImageDraw
from torch import Tensor

from modisp.color.spaces import between
from modisp.color.transfer import decode
from modisp.image import Image
from modisp.metrics import cpsnr, delta_e, ssim, xyz_to_lab

BORDER = 10
"""Pixels at the edge that do not count: methods differ in what they make up beyond it."""
SPARE = 5
"""ΔE2000 is slow: it is taken of every fifth pixel each way, which meets all places of every pattern alike."""
PIECE = 64
"""Edge of a crop on a sheet, in pixels; it is shown four times as large."""
KINDS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")

Method = Callable[[Image], Tensor]
"""MOSAIC image → (3, H, W) camera RGB on the same scale."""


@dataclass(frozen=True)
class Protocol:
    """How a mosaic is made of a true picture (sRGB-encoded), and how what comes of it is shown (encoded again)."""

    make: Callable[[Tensor, int], Image]  # truth, number of the picture (the seed of its noise)
    show: Callable[[Tensor], Tensor]


@dataclass
class Row:
    """One method under one protocol: means over the pictures, CPU seconds per megapixel, peak bytes at one megapixel."""

    method: str
    protocol: str
    figures: dict[str, float] = field(default_factory=dict)
    pictures: int = 0
    cpu: float = 0.0
    memory: int = 0

    def data(self) -> dict[str, Any]:
        """Plain JSON data."""
        head = {"name": self.method, "protocol": self.protocol, "pictures": self.pictures}
        costs = {"cpu_seconds_per_mp": round(self.cpu, 3), "peak_bytes": self.memory}
        return head | {k: round(v, 4) for k, v in self.figures.items()} | costs


@dataclass(frozen=True)
class Crop:
    """A piece of a picture where the first method errs most: the truth and what each method made of it, (3, h, w)."""

    name: str
    error: float
    pieces: Mapping[str, Tensor]


def pictures(folder: Path, limit: int | None = None) -> Iterator[tuple[str, Tensor]]:
    """(name, (3, H, W) sRGB-encoded in [0, 1]) of the pictures of a folder, by name; evenly spread where `limit` says how many.

    Raises ValueError where there are none.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in KINDS)
    if not paths:
        raise ValueError(f"there are no pictures in {folder} ({', '.join(KINDS)})")
    if limit is not None and limit < len(paths):
        paths = [paths[i * len(paths) // limit] for i in range(limit)]
    for path in paths:
        try:
            with Picture.open(path) as image:
                values = np.array(image.convert("RGB"))
        except OSError as e:
            raise ValueError(f"{path} is not a picture that can be read") from e
        yield path.stem, torch.from_numpy(values).permute(2, 0, 1).float() / 255


def compare(
    source: Iterable[tuple[str, Tensor]],
    protocols: Mapping[str, Protocol],
    methods: Mapping[str, Mapping[str, Method]],
    tell: Callable[[str], None],
) -> tuple[list[Row], dict[str, list[Crop]]]:
    """Every method of every protocol on every picture; rows, and for each protocol one crop a picture, the worst first."""
    rows = {(p, m): Row(m, p) for p in protocols for m in methods[p]}
    crops: dict[str, list[Crop]] = {p: [] for p in protocols}
    for number, (name, truth) in enumerate(source):
        for p, protocol in protocols.items():
            image = protocol.make(truth, number)
            made: dict[str, Tensor] = {}
            for m, method in methods[p].items():
                with torch.inference_mode():
                    made[m] = protocol.show(method(image)).clamp(0, 1)
                row = rows[p, m]
                row.pictures += 1
                for k, v in score(made[m], truth).items():
                    row.figures[k] = row.figures.get(k, 0.0) + v
            crops[p].append(_worst(name, truth, made))
        tell(name)
    for row in rows.values():
        row.figures = {k: v / row.pictures for k, v in row.figures.items()}
    return list(rows.values()), {p: sorted(c, key=lambda x: -x.error) for p, c in crops.items()}


def score(result: Tensor, truth: Tensor) -> dict[str, float]:
    """CPSNR (8 bits, dB), SSIM and mean ΔE2000 of encoded pictures, without their border."""
    inner = (slice(None), slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    a, b = result[inner], truth[inner]
    return {
        "cpsnr": cpsnr(result, truth, BORDER),
        "ssim": ssim(a, b),
        "delta_e": float(delta_e(_lab(a[:, ::SPARE, ::SPARE]), _lab(b[:, ::SPARE, ::SPARE])).mean()),
    }


def _lab(encoded: Tensor) -> Tensor:
    return xyz_to_lab(torch.einsum("ij,jhw->hwi", between("srgb", "xyz"), decode("srgb", encoded)))


def _worst(name: str, truth: Tensor, made: Mapping[str, Tensor]) -> Crop:
    error = (next(iter(made.values())) - truth).square().mean(0)
    step = PIECE // 4
    h, w = (max(1, (n - 2 * BORDER) // step) for n in error.shape)
    inside = error[BORDER : BORDER + h * step, BORDER : BORDER + w * step]
    if inside.shape != (h * step, w * step):
        inside = error.mean().expand(h * step, w * step)
    cells = inside.reshape(h, step, w, step).mean((1, 3))
    y, x = divmod(int(cells.argmax()), w)
    top = min(max(0, BORDER + y * step + step // 2 - PIECE // 2), max(0, error.shape[0] - PIECE))
    left = min(max(0, BORDER + x * step + step // 2 - PIECE // 2), max(0, error.shape[1] - PIECE))
    cut = (slice(None), slice(top, top + PIECE), slice(left, left + PIECE))
    return Crop(
        f"{name} ({left}, {top})", float(cells[y, x]), {"truth": truth[cut]} | {m: r[cut] for m, r in made.items()}
    )


def costs(rows: Sequence[Row], images: Mapping[str, Image], methods: Mapping[str, Mapping[str, Method]]) -> None:
    """Fill in what each method costs, measured on one image (about a megapixel) per protocol."""
    known: dict[str, tuple[float, int]] = {}
    for row in rows:
        if row.method not in known:
            image = images[row.protocol]
            known[row.method] = cost(methods[row.protocol][row.method], image)
        row.cpu, row.memory = known[row.method]


def cost(method: Method, image: Image) -> tuple[float, int]:
    """(CPU seconds per megapixel, bytes held at most beyond what was held before; 0 where the system does not tell)."""
    small = image.cut(image.frame.cut(0, 0, min(96, image.height), min(96, image.width)))
    with torch.inference_mode():
        method(Image(small.pixels, image.state, image.meta))  # once, so that what is loaded once does not count
        watch = _Watch()
        before = time.process_time()
        method(image)
        spent = time.process_time() - before
    return spent / (image.height * image.width / 1e6), watch.stop()


class _Watch:
    """Looks every two milliseconds at how much memory this process holds."""

    def __init__(self) -> None:
        with suppress(AttributeError, OSError, TypeError):
            ctypes.CDLL(None).malloc_trim(0)  # what was freed goes back first, else it would hide what is taken
        self._start = self._peak = _held()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._done.wait(0.002):
            self._peak = max(self._peak, _held())

    def stop(self) -> int:
        self._done.set()
        self._thread.join()
        return max(self._peak, _held()) - self._start


def _held() -> int:
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    return 0


def enlarge(mosaic: Image, pixels: int = 1 << 20) -> Image:
    """A mosaic repeated until it has about so many pixels, for measuring costs."""
    step = 24  # of every colour filter array
    h, w = (max(step, n // step * step) for n in (mosaic.height, mosaic.width))
    base = mosaic.pixels[:, :h, :w]
    edge = round(pixels**0.5) // step * step
    times = (1, -(-edge // base.shape[1]), -(-edge // base.shape[2]))
    return Image(base.repeat(times)[:, :edge, :edge].contiguous(), mosaic.state, mosaic.meta)


def markdown(title: str, rows: Sequence[Row]) -> str:
    """A table per protocol, the best CPSNR first."""
    out = [f"# {title}\n"]
    for p in dict.fromkeys(r.protocol for r in rows):
        mine = sorted((r for r in rows if r.protocol == p), key=lambda r: -r.figures.get("cpsnr", 0.0))
        out.append(f"## {p} ({mine[0].pictures} pictures)\n")
        out.append("| method | CPSNR dB | SSIM | ΔE2000 | CPU s/MP | peak MB |\n|---|---:|---:|---:|---:|---:|")
        for r in mine:
            f = r.figures
            figures = f"{f['cpsnr']:.2f} | {f['ssim']:.4f} | {f['delta_e']:.2f}"
            out.append(f"| {r.method} | {figures} | {r.cpu:.2f} | {r.memory / 1e6:.0f} |")
        out.append("")
    return "\n".join(out)


def sheet(path: Path, crops: Sequence[Crop], zoom: int = 4) -> None:
    """A picture (PNG) of crops, one a row: the truth first, then every method, each under its name."""
    names = list(crops[0].pieces)
    edge, gap, head = PIECE * zoom, 6, 16
    size = (len(names) * (edge + gap) + gap, len(crops) * (edge + head + gap) + head + gap)
    canvas = Picture.new("RGB", size, (40, 40, 40))
    draw = ImageDraw.Draw(canvas)
    for column, name in enumerate(names):
        draw.text((gap + column * (edge + gap), 2), name, fill="white")
    for row, crop in enumerate(crops):
        top = head + row * (edge + head + gap)
        draw.text((gap, top + 2), crop.name, fill=(190, 190, 190))
        for column, name in enumerate(names):
            piece = (crop.pieces[name] * 255).round().byte().permute(1, 2, 0).numpy()
            shown = Picture.fromarray(piece).resize(
                (piece.shape[1] * zoom, piece.shape[0] * zoom), Picture.Resampling.NEAREST
            )
            canvas.paste(shown, (gap + column * (edge + gap), top + head))
    canvas.save(path)
