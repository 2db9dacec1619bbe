"""The report of a learned style: one HTML page with pictures side by side, what was left out, and how near the style comes."""

from __future__ import annotations

import base64
import html
import math
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from modisp.color import spaces, transfer
from modisp.image import Image, Metadata, State
from modisp.io import save_image
from modisp.learn.fit import Look, paint, rising
from modisp.learn.lesson import lesson
from modisp.learn.read import Sample
from modisp.learn.run import Learned, base_network
from modisp.metrics import delta_e, xyz_to_lab
from modisp.operators import tonemap
from modisp.operators.tonemap import ToneParams
from modisp.operators.toneoffsets import Offsets
from modisp.style import Style

SHOWN = 12
"""Pairs that are shown: those kept aside first, then the worst of the others."""
_LOOKS = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;background:#1b1b1b;color:#ddd}
h1,h2{font-weight:500}table{border-collapse:collapse}td,th{text-align:left;padding:.15rem 1.2rem .15rem 0}
th{color:#999;font-weight:400}.row{display:grid;grid-template-columns:repeat(3,1fr);gap:.6rem;margin:1.4rem 0 .2rem}
img{width:100%;display:block}figure{margin:0}figcaption,.soft{color:#999;font-size:13px}svg{background:#242424}
"""


def page(found: Learned, style: Style, seconds: float) -> str:
    """The whole page, pictures included: one file that can be sent."""
    net = base_network()
    first = [s for s in found.samples if s.name in found.aside]
    rest = sorted((s for s in found.samples if s not in first), key=lambda s: -found.near[s.name])
    shown = [*first, *rest][:SHOWN]
    tried = f"{len(found.aside)} pictures kept aside" if found.aside else "the same pictures, too few to keep any aside"
    follows = round(max(0.0, min(1.0, found.look.follows)) * 100)
    facts = [
        ("learned from", f"{len(found.samples)} pairs, in {seconds:.0f} s"),
        ("comes within", f"{found.held_out:.2f} ΔE2000 of {tried}"),
        ("automatic exposure", f"{follows} % of what a picture's brightness asks for"),
        ("greys", "tinted" if found.look.tinted else "neutral"),
    ]
    parts = [
        f"<h1>{html.escape(style.name)}</h1>",
        _table(facts),
        "<h2>Tone</h2>",
        _curve(found.look),
        '<p class="soft">Lightness of the display by light of the scene; dashed: without a style.</p>',
        "<h2>Pictures</h2>",
        '<p class="soft">Without the style, with it, and the finished picture.</p>',
        *(_row(s, found, net) for s in shown),
        "<h2>All pairs</h2>",
        _table(
            [
                (s.name, f"{found.near[s.name]:.2f}", "kept aside" if s.name in found.aside else "")
                for s in found.samples
            ],
            ("picture", "ΔE2000", ""),
        ),
    ]
    if found.out:
        parts += ["<h2>Left out</h2>", _table([(s.name, s.reason) for s in found.out], ("picture", "why"))]
    if found.unpaired:
        parts += ["<h2>Finished pictures of no RAW file</h2>", f"<p>{html.escape(', '.join(found.unpaired))}</p>"]
    body = "\n".join(parts)
    title = html.escape(style.name)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_LOOKS}</style></head><body>\n{body}\n</body></html>\n"
    )


def _table(rows: Iterable[tuple[str, ...]], head: tuple[str, ...] = ()) -> str:
    top = "<tr>" + "".join(f"<th>{html.escape(c)}</th>" for c in head) + "</tr>" if head else ""
    lines = ("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table>{top}{''.join(lines)}</table>"


def _row(sample: Sample, found: Learned, net: nn.Module | None) -> str:
    plain = Look(replace(Offsets.zeros(), grid=torch.tensor([-1.0])), False, 0.0)  # no local light
    finished = sample.finished.clamp(0, 1) * sample.inside
    pictures = (render(sample, plain, net), render(sample, found.look, net), finished)
    cells = []
    for words, pixels in zip(("without", "with the style", "finished"), pictures, strict=True):
        cells.append(f'<figure><img src="{_inline(pixels)}" alt="{words}"></figure>')
    near = found.near[sample.name]
    beside = f", ΔE2000 {near:.2f}" + (" (kept aside)" if sample.name in found.aside else "")
    return f'<div class="row">{"".join(cells)}</div><p class="soft">{html.escape(sample.name)}{beside}</p>'


def render(sample: Sample, look: Look, net: nn.Module | None) -> Tensor:
    """DISPLAY (3, h, w) of a sample's scene under a look, as the tone stage makes it."""
    h, w = sample.inside.shape
    y, x = ((torch.arange(n) + 0.5) / n for n in (h, w))
    at = torch.stack(torch.meshgrid(x, y, indexing="xy")).reshape(1, 2, -1)
    known = lesson([sample], net, pixels=1)
    return paint(look, replace(known, rgb=sample.scene.clamp_min(0).reshape(1, 3, -1), at=at))[0].view(3, h, w)


def whole_error(sample: Sample, made: Tensor) -> float:
    """Mean ΔE2000 of a DISPLAY picture (3, h, w) from a sample's finished one, over the pixels that count."""
    both = torch.stack([made, sample.finished])[:, :, sample.inside]
    a, b = xyz_to_lab(torch.einsum("ij,bjn->bni", spaces.between("rec2020", "xyz"), both.clamp_min(0)))
    return float(delta_e(a, b).mean())


def _inline(pixels: Tensor) -> str:
    """DISPLAY (3, h, w) as the address of a JPEG that it holds itself."""
    colours = spaces.apply(spaces.between("rec2020", "srgb"), pixels.contiguous()).clamp(0, 1)
    image = Image(transfer.encode("srgb", colours), State.ENCODED, replace(Metadata(), cfa=(), space="srgb"))
    with tempfile.TemporaryDirectory() as aside:
        file = save_image(image, Path(aside) / "a.jpg", quality=85, policy="none")
        return "data:image/jpeg;base64," + base64.b64encode(file.read_bytes()).decode("ascii")


def _curve(look: Look) -> str:
    """The look's curve for a picture of average light, as a drawing."""
    width, height, low, high = 520.0, 240.0, -8.0, 5.0
    plain = ToneParams.plain()
    known = torch.tensor([[1.0, -0.25, -0.9, -0.25, 0.7]])
    ev = torch.linspace(low, high, 105)
    lines = []
    for params, dash in ((plain, ' stroke-dasharray="4 4" opacity=".5"'), (rising(look.offsets.on(plain, known)), "")):
        light = tonemap.curved(params.curve, ev[None] + params.gain[:, None])[0].clamp(0, 1)
        rows = zip(ev.tolist(), (1.16 * light - 0.16).clamp(0, 1).tolist(), strict=True)
        dots = " ".join(f"{(x - low) / (high - low) * width:.1f},{height * (1 - y):.1f}" for x, y in rows)
        lines.append(f'<polyline points="{dots}" fill="none" stroke="#e0b060" stroke-width="2"{dash}/>')
    marks = "".join(
        f'<text x="{(k - low) / (high - low) * width + 3:.0f}" y="{height - 4:.0f}" fill="#777" font-size="11">{k:+d} EV</text>'
        for k in range(math.ceil(low) + 1, math.floor(high), 2)
    )
    return f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}">{"".join(lines)}{marks}</svg>'
