"""A learned look for the closed-form tone stage, which has no tables of colours: its exposure and its curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from modisp.color import transfer
from modisp.image import Image, State
from modisp.learn.read import Sample
from modisp.operators import tonecurve as tc
from modisp.stage import list_stages

STAGE = "tone"
POINTS = 13
WIDE = 0.035
"""Standard deviation of the window round a point, in sRGB-encoded lightness."""
DRAWN = 3000


def closed_form(samples: Sequence[Sample], follows: float) -> dict[str, Any]:
    """Values of the stage that come near to what samples show; `follows` is how much automatic exposure the look uses."""
    share = round(min(1.0, max(0.0, follows)), 2)
    stage = list_stages()[STAGE](gain_strength=share)  # type: ignore[call-arg]  # declared by that stage
    given, wanted = list[Tensor](), list[Tensor]()
    for i, s in enumerate(samples):
        with torch.inference_mode():
            plain = stage(Image(s.scene, State.SCENE)).pixels
        where = s.inside.flatten().nonzero()[:, 0]
        some = where[torch.randint(len(where), (DRAWN,), generator=torch.Generator().manual_seed(i))]
        for rows, pixels in ((given, plain), (wanted, s.finished)):
            rows.append(transfer.encode("srgb", tc.luma(pixels.reshape(3, -1)).clamp(0, 1))[some])
    curve = _curve(torch.cat(given), torch.cat(wanted))
    return {"gain_strength": share, "curve": curve}


def _curve(given: Tensor, wanted: Tensor) -> tuple[tuple[float, float], ...]:
    """Points of a rising curve from given to wanted lightness: local means, and straight on where there is nothing."""
    x = torch.linspace(0, 1, POINTS)
    weight = torch.exp(-0.5 * ((given - x[:, None]) / WIDE) ** 2)
    total = weight.sum(1)
    # a share of what a straight shift would give keeps points without pixels sane
    shift = float((wanted - given).mean())
    held = 20.0 * (1 - (2 * x - 1).abs())
    here = (weight * given).sum(1) / total.clamp_min(1e-3)
    mean = (weight * wanted).sum(1) / total.clamp_min(1e-3) + (x - here).where(total > 1, torch.zeros(()))
    y = (total * mean + held * (x + shift)) / (total + held).clamp_min(1e-3)
    y = torch.where((total + held) > 1e-2, y, x).clamp(0, 1).cummax(0).values
    return tuple((round(float(a), 4), round(float(b), 4)) for a, b in zip(x, y, strict=True))
