"""Mixer: hue, saturation and luminance of eight colours, each on its own."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from modisp.color import spaces
from modisp.image import Image, State
from modisp.operators import tonecurve as tc
from modisp.operators.hues import blend, turned
from modisp.operators.layers import contain
from modisp.parameter import OWN
from modisp.stage import Parts, Reading, Stage, checkpoint, param

_NONE = (0.0,) * 8
_STEPS = 8192  # entries of a table over the circle of hues: one each 0.04°
LIGHT = 1.35  # of the luminance sliders at ±1, in parts of L²·(1 − L): deep shadows, whose hue is noise, keep still
GREY = 0.05  # Oklab chroma at which half of a luminance slider acts: greys have no hue to be told by
WASH = 0.004  # Oklab chroma below which turning and strengthening fade out, so that noise in greys keeps still


class Mixer(Stage, slot="mixer", reads=State.DISPLAY, writes=State.DISPLAY, title="Colour mixer", group="Colour"):
    """Eight hues of Oklab that fade into each other, each turned, strengthened and lightened on its own; greys stay.

    Before black and white, the luminance of the hues is its mixer: how bright each colour becomes as grey.
    """

    hue: tuple[float, ...] = param(
        _NONE, -1.0, 1.0, kind="hues", help="Turns a colour towards its neighbours on the circle of hues.", mask=OWN
    )
    saturation: tuple[float, ...] = param(
        _NONE, -1.0, 1.0, kind="hues", help="Strengthens a colour, or weakens it down to grey.", mask=OWN
    )
    luminance: tuple[float, ...] = param(
        _NONE, -1.0, 1.0, kind="hues", help="Makes a colour lighter or darker; in black and white too.", mask=OWN
    )

    def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
        """To Oklab, turned and scaled by tables over the hue, and back, strip by strip."""
        if not (any(self.hue) or any(self.saturation) or any(self.luminance)):
            return image.pixels
        device = image.pixels.device
        along, across, light = (t.to(device) for t in _tables(self.hue, self.saturation, self.luminance))
        lms, lab, unlab, unlms = (m.to(device) for m in _matrices())
        colour = any(self.hue) or any(self.saturation)
        flat = image.pixels.reshape(3, -1)
        out = torch.empty_like(flat)
        for i in range(0, flat.shape[1], tc.STRIP):
            checkpoint()
            rgb = flat[:, i : i + tc.STRIP]
            roots = (lms @ rgb).clamp_min_(1e-12).log_().mul_(1.0 / 3.0).exp_()  # three times as fast as a power
            bright, a, b = lab @ roots
            where = torch.atan2(b, a).mul_(_STEPS / (2.0 * np.pi)).add_(_STEPS / 2.0).to(torch.int32)
            where.clamp_(0, _STEPS)
            square = (a * a).addcmul_(b, b)
            if any(self.luminance):
                share = square.div(square.add(GREY**2)).mul_(torch.index_select(light, 0, where))
                share.mul_(bright).mul_(bright)
                bright = torch.addcmul(bright, share, torch.rsub(bright, 1.0))
            if colour:
                keep = square.div(square.add(WASH**2))
                c = torch.index_select(along, 0, where).mul_(keep).add_(1.0)
                s = torch.index_select(across, 0, where).mul_(keep)
                a, b = torch.mul(c, a).addcmul_(s, b, value=-1.0), torch.mul(c, b).addcmul_(s, a)
            roots = unlab @ torch.stack([bright, a, b])
            torch.mm(unlms, roots.mul(roots).mul_(roots), out=out[:, i : i + tc.STRIP])
            contain(out[:, i : i + tc.STRIP])
        return out.view_as(image.pixels)


@lru_cache(maxsize=1)
@torch.inference_mode(False)
def _matrices() -> tuple[torch.Tensor, ...]:
    """Linear Rec.2020 → LMS, roots of LMS → Oklab, and both inverses."""
    lms, lab = spaces.to_lms("rec2020"), spaces.lms_to_lab()
    return lms.float(), lab.float(), torch.linalg.inv(lab).float(), torch.linalg.inv(lms).float()


@lru_cache(maxsize=16)
@torch.inference_mode(False)
def _tables(
    hue: tuple[float, ...], saturation: tuple[float, ...], luminance: tuple[float, ...]
) -> tuple[torch.Tensor, ...]:
    """Over the hue from −180° to 180°: what is added to 1 along (a, b), across it, and the lightening."""
    degrees = np.linspace(-180.0, 180.0, _STEPS + 1)
    angle = np.deg2rad(turned(hue, degrees))
    share = blend(saturation, degrees)
    strength = np.where(share > 0, 1.0 + 1.2 * share, 1.0 + share)
    rows = (strength * np.cos(angle) - 1.0, strength * np.sin(angle), LIGHT * blend(luminance, degrees))
    return tuple(torch.from_numpy(r.astype(np.float32)) for r in rows)
