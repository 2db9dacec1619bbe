"""What operators could do at best: fitted to one picture and its finished self, pixel by pixel.

Four of them: a curve of luminance; that and the table of colours; those and the grid of local light; a 3-D table of colours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from modisp.color import spaces
from modisp.operators import tonecurve as tc
from modisp.operators import tonemap
from modisp.operators.tonemap import ToneParams
from modisp.train.tone import lab, seen_difference

STEPS, PIXELS = 250, 4000
CUBE = 17
LOW, HIGH = -10.0, 7.0  # EV that the 3-D table spans


def places(height: int, width: int) -> Tensor:
    """(1, 2, H·W): x, y of every pixel's middle, 0…1."""
    y, x = torch.meshgrid((torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width, indexing="ij")
    return torch.stack([x, y]).reshape(1, 2, -1)


def _descend(
    free: list[tuple[Tensor, float]],
    render: Callable[[Tensor], Tensor],
    finished: Tensor,
    rough: Callable[[], Tensor] | None = None,
) -> None:
    """Fit `free` tensors (each with its rate) so that `render(pixels)` looks like the finished ones."""
    random = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam([{"params": [t.requires_grad_()], "lr": r, "peak": r} for t, r in free])
    wanted = lab(finished)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * (1 - 0.95 * step / STEPS)
        pick = torch.randint(finished.shape[2], (PIXELS,), generator=random)
        loss = seen_difference(lab(render(pick)), wanted[:, pick]).mean()
        if rough is not None:
            loss = loss + rough()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    for t, _ in free:
        t.requires_grad_(False)


def fit_params(scene: Tensor, finished: Tensor, colours: bool, grid: bool) -> Tensor:
    """The picture (3, H, W) by a curve, and with `colours` and `grid`, fitted to the finished one."""
    rgb, target, at = scene.reshape(1, 3, -1), finished.reshape(1, 3, -1), places(*scene.shape[1:])
    params = ToneParams.plain()
    params.gain = -tonemap.stops(tc.luma(rgb[0])).mean()[None]
    steps = torch.log(torch.expm1((params.curve[:, 1:] - params.curve[:, :-1]).clamp_min(2e-3)))
    start = params.curve[:, 0].clone()
    free = [(params.gain, 0.03), (steps, 0.03), (start, 0.01)]
    free += [(params.chroma, 0.03)] if colours else []
    free += [(params.grid, 0.05)] if grid else []

    def all_(pick: Tensor | slice) -> Tensor:
        now = replace(params, curve=tonemap.rising(start, steps))
        return tonemap.apply(now, rgb[:, :, pick], at[:, :, pick])

    _descend(free, all_, target)
    return all_(slice(None)).clamp(0, 1).view_as(scene)


def fit_cube(scene: Tensor, finished: Tensor) -> Tensor:
    """The picture (3, H, W) by one table of 17³ colours on log light, fitted to the finished one."""
    middle = tonemap.stops(tc.luma(scene.reshape(3, -1))).mean()
    light = (tonemap.stops(scene.clamp_min(1e-9)).reshape(3, -1) - middle - LOW) / (HIGH - LOW)
    where = (light.clamp(0, 1) * 2 - 1).T[None, None, None]
    at = torch.linspace(0, 1, CUBE)
    blue, green, red = torch.meshgrid(at, at, at, indexing="ij")
    ev = torch.stack([red, green, blue]) * (HIGH - LOW) + LOW
    shown = torch.from_numpy(tc.display(ev.double().numpy())).float()
    table = shown.pow(1 / 3)[None].clone()  # cube roots: evener to the eye

    def through(pick: Tensor | slice) -> Tensor:
        roots = F.grid_sample(table, where[:, :, :, pick], padding_mode="border", align_corners=True)[:, :, 0, 0]
        return roots.clamp_min(1e-3).pow(3)

    def rough() -> Tensor:
        total: Tensor = sum((table.diff(n=2, dim=d).square().mean() for d in (2, 3, 4)), torch.zeros(()))
        return 20.0 * total

    _descend([(table, 0.02)], through, finished.reshape(1, 3, -1), rough)
    return through(slice(None)).clamp(0, 1).view_as(scene)


def encoded(display: Tensor) -> Tensor:
    """DISPLAY (3, H, W) as sRGB, clipped."""
    from modisp.color.transfer import encode

    return encode("srgb", spaces.apply(spaces.between("rec2020", "srgb"), display).clamp(0, 1))
