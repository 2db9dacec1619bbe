"""Fitting a look to pairs: what it adds to a base's finish, as few numbers as the pairs can carry.

The look is a row of `modisp.operators.toneoffsets`.  What it does to every picture alike (curve, colours, tints, share of
local work) is fitted to pixels.  How far it goes along with each picture (automatic exposure, contrast by the light at hand)
is first left free for every pair, then explained from a few facts of the picture by ridge regression; what the left-out
pair of each does not confirm is not used.  So a look that treats all pictures alike comes out as one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from modisp.color import spaces
from modisp.learn.after import Channels, Falloff, display_values, fallen, light_of
from modisp.learn.lesson import Lesson
from modisp.learn.read import lab
from modisp.learn.residue import SIZE, fit_residue, through
from modisp.metrics import delta_e
from modisp.operators import tonecurve as tc
from modisp.operators import tonemap, toneoffsets
from modisp.operators.tonemap import ToneParams
from modisp.operators.toneoffsets import Offsets
from modisp.stage import checkpoint

AT_ONCE = 400
STEPS = (400, 200, 250)
"""Of the fit with every picture free, of that with what was explained, and of the table of what is left."""
BUMPS = ((-5.0, 2.5), (-2.0, 2.0), (0.5, 1.6), (3.0, 2.0))
"""Where, and how wide, in EV, the curve may go along with a picture."""
RIDGES = (math.inf, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1)
HOLD = 0.5
"""What speaks against ways from facts to the finish that pixels ask for, and pairs left out did not bear out."""
CONVINCING = 0.9
"""What the squared error of left-out pairs must fall to before a look is said to follow the picture."""
LONELY = 0.3
"""What speaks against a hue's going a way of its own: one that no pair shows goes the way of all hues."""
WARM = 0.02
"""What speaks against colours that go along with the light: pictures of one light say nothing of another."""
FLAT = 0.1
"""A share of local light below which a look has none."""
TINTED = 1.0
"""Mean chroma (CIELAB) that greys get before a look counts as tinted; less is taken for the developers' differing profiles."""
SRGB, RGB = spaces.between("rec2020", "srgb").float(), spaces.between("srgb", "rec2020").float()
Tell = Callable[[float], None]


@dataclass(frozen=True)
class Look:
    """What was fitted; `follows` is the share of automatic exposure that the look uses, 0 … 1 and beyond.

    `mixed` are its channels (see `modisp.learn.after`) as a table of finished colours, `table` that with what is left to do
    (`modisp.learn.residue`); None for nothing.  `vignette` are values of that stage, empty for none.
    """

    offsets: Offsets
    tinted: bool
    follows: float
    table: Tensor | None = None
    mixed: Tensor | None = None
    vignette: Mapping[str, float] = field(default_factory=dict)


def paint(look: Look, pairs: Lesson) -> Tensor:
    """DISPLAY (B, 3, N) of a lesson's pixels under a look."""
    with torch.inference_mode():
        out = pairs.paint(rising(look.offsets.on(pairs.base, pairs.facts, pairs.lamp))).clamp(0, 1)
        if look.table is not None:
            out = _rows(through(look.table, _line(out)), len(pairs))
        return (out * fallen(look.vignette, pairs.framed())).clamp(0, 1)


def finished(look: Look, pairs: Lesson) -> Tensor:
    """As `paint`, but each pixel is the mean of its finer ones, as in a picture that is finished and then made smaller."""
    p = pairs.parts.shape[2]
    fine = replace(pairs, rgb=pairs.parts.flatten(2), at=pairs.at.repeat(1, 1, p))
    return paint(look, fine).reshape(len(pairs), 3, p, -1).mean(2)


def errors(look: Look, pairs: Lesson) -> Tensor:
    """Mean ΔE2000 of each pair, (B,)."""
    return delta_e(_lab(finished(look, pairs)), pairs.wanted).mean(1)


def chroma(look: Look, pairs: Lesson) -> Tensor:
    """Mean chroma (CIELAB) that a look gives each pair, (B,)."""
    made = _lab(paint(look, pairs))
    return torch.hypot(made[..., 1], made[..., 2]).mean(1)


def rising(params: ToneParams) -> ToneParams:
    """The same with curves that never fall."""
    return replace(params, curve=params.curve.cummax(1).values)


# --- the fit ---------------------------------------------------------------------------------------------------------------


def fit(pairs: Lesson, tell: Tell = lambda _: None, steps: tuple[int, int, int] = STEPS) -> Look:
    """The look of some pairs, against their base.  Raises Cancelled at checkpoints."""
    work = _Work(pairs, tell, sum(steps))
    work.run(steps[0], 0.03, free=True)
    work.explain()
    work.settle()
    work.run(steps[1], 0.015, free=False)
    look = work.look()
    return replace(look, table=work.rest(look, steps[2])) if steps[2] else look


class _Work:
    """The numbers being fitted, and how they make a finish."""

    def __init__(self, pairs: Lesson, tell: Tell, total: int) -> None:
        self.pairs, self.tell, self.total, self.done = pairs, tell, total, 0
        self.weights = pairs.weights()
        b = len(pairs)
        x = tonemap.knots()
        self.bumps = torch.stack([0.1 * torch.exp(-0.5 * ((x - c) / w) ** 2) for c, w in BUMPS])
        # the mean curve of the base is where the look's own starts; steps are kept positive by softplus
        start = pairs.base.curve.mean(0, keepdim=True)
        rise = (start[:, 1:] - start[:, :-1]).clamp_min(4e-3)
        self.first = start[:, 0].clone().requires_grad_()
        self.steps = torch.log(torch.expm1(rise)).requires_grad_()
        self.mean = start
        self.chroma = torch.zeros(1, *tonemap.SHAPES["chroma"], requires_grad=True)
        self.tint = torch.zeros(1, *tonemap.SHAPES["tint"], requires_grad=True)
        self.lamp = torch.zeros(1, *toneoffsets.SIZES["lamp"], requires_grad=True)
        self.usual = pairs.lamp.mean()
        self.warm = (pairs.lamp - self.usual).view(-1, 1, 1, 1, 1)
        self.grid = torch.full((1,), -1.0, requires_grad=True)  # no local light, until pixels ask for some
        # free for every picture: gain, and how much of each bump
        self.gain = pairs.base.gain.clone().requires_grad_()
        self.bent = torch.zeros(b, len(BUMPS), requires_grad=True)
        self.channels, self.falloff = Channels(), Falloff()
        self.tinted = True
        self.ways: Tensor | None = None  # facts → gain and bumps, (5, 1 + bumps)
        at, spread = pairs.facts.mean(0), pairs.facts[:, 1:].std(0).clamp_min(0.02)
        self.even = (pairs.facts[:, 1:] - at[1:]) / spread
        self.back = torch.cat([-(at[1:] / spread)[None], torch.diag(1 / spread)])  # (5, 4)
        self.more = torch.zeros(4, 1 + len(BUMPS), requires_grad=True)  # what pixels add to the ways, for even facts

    def params(self, free: bool) -> ToneParams:
        base, n = self.pairs.base, len(self.pairs)
        gain, bent = (self.gain, self.bent) if free else self._explained()
        curve = tonemap.rising(self.first, self.steps) + (base.curve - self.mean) + bent @ self.bumps
        tint = self.tint if self.tinted else torch.zeros_like(self.tint)
        return ToneParams(
            gain,
            curve,
            base.grid * (1 + self.grid),
            base.chroma + self.chroma + self.warm * self.lamp,
            base.tint + tint.expand(n, -1, -1),
        )

    def _explained(self) -> tuple[Tensor, Tensor]:
        assert self.ways is not None
        found = self.pairs.facts @ self.ways + self.even @ self.more
        return self.pairs.base.gain + found[:, 0], found[:, 1:]

    def cost(self, free: bool) -> Tensor:
        """What speaks against numbers that pixels do not ask for: rough tables, lonely pictures."""
        c = self.chroma
        out = (
            0.1 * _rough(c)
            + LONELY * (c - c.mean(2, keepdim=True)).square().mean()
            + 0.002 * c.square().mean()
            + 0.02 * (self.tint.diff(dim=2) ** 2).mean()
            + 0.01 * (1 + self.grid).square().sum()
            + 0.1 * _rough(self.lamp)
            + WARM * self.lamp.square().mean()
        )
        if free:
            away = self.gain - self.gain.mean()
            out = out + 0.02 * (away**2).mean() + 0.02 * (self.bent**2).mean() + 0.3 * (self.bent.mean(0) ** 2).sum()
        else:
            out = out + HOLD * self.more.square().sum()
        return out + self.channels.cost()

    def made(self, free: bool, some: Tensor, even: bool = False) -> Tensor:
        """Lab (B, n, 3) of some pixels of each pair, as far as the numbers have come; `even`: without fall to the corners."""
        values = display_values(_line(self.pairs.paint(self.params(free), some)), SRGB)
        light = light_of(self.channels(values, not self.tinted), RGB)
        return _lab(_rows(light, len(self.pairs)) * self.falloff(self.pairs.framed(some), even))

    def run(self, steps: int, rate: float, free: bool) -> None:
        rows = [(self.first, 0.3), (self.steps, 2.0), (self.chroma, 1.0), (self.tint, 0.2), (self.grid, 0.5)]
        rows += [(self.gain, 2.0), (self.bent, 2.0)] if free else [(self.more, 1.0)]
        rows += [(self.lamp, 1.0), (self.channels.matrix, 0.3), (self.channels.curves, 0.3)]
        rows += [(self.falloff.amount, 0.3), (self.falloff.shape, 2.0)]
        rows = [(p, k) for p, k in rows if p.requires_grad]
        optimiser = torch.optim.Adam([{"params": [p], "lr": rate * k} for p, k in rows], betas=(0.9, 0.99))
        random = torch.Generator().manual_seed(int(free))
        count = self.pairs.rgb.shape[2]
        for i in range(steps):
            checkpoint()
            for group, (_, k) in zip(optimiser.param_groups, rows, strict=True):
                group["lr"] = rate * k * (0.5 + 0.5 * math.cos(math.pi * i / steps)) + 1e-5
            some = torch.randint(count, (AT_ONCE,), generator=random)
            away = difference(self.made(free, some), self.pairs.wanted[:, some]) * self.weights[:, some]
            loss = away.mean() + self.cost(free)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            self.step()

    def explain(self) -> None:
        """What was found for each picture, as a function of the facts, as far as pairs left out bear it out.

        The simplest looks are those that take the base's exposure as it is, and those that take the middle of a picture's
        light out of it, or put it in.
        """
        facts = self.pairs.facts
        added = self.gain.detach() - self.pairs.base.gain
        middle = torch.zeros(toneoffsets.FACTS)
        middle[1] = 4.0  # facts hold a quarter of it
        found = [(k * middle, *ridge(facts, added - k * facts @ middle)) for k in (0.0, 1.0, -1.0)]
        out, way, _ = min(found, key=lambda f: f[2])
        self.ways = torch.stack([out + way, *(ridge(facts, column)[0] for column in self.bent.detach().unbind(1))], 1)

    def settle(self) -> None:
        """Whether the look is tinted is decided by what it does to grey; if it is not, grey stays grey."""
        with torch.no_grad():
            some = torch.arange(self.pairs.rgb.shape[2])
            near, flat = (difference(self.made(True, some, e), self.pairs.wanted).mean(1) for e in (False, True))
            self.falloff.settle(near < flat)
            if abs(1 + float(self.grid.detach())) < FLAT:
                self.grid.requires_grad_(False).fill_(-1.0)
            self.tinted = float(grey_chroma(self.tint[0], self.channels).mean()) > TINTED

    def rest(self, look: Look, steps: int) -> Tensor:
        """The table of the look's channels, and of what it leaves to do."""
        assert look.mixed is not None
        display = _line(paint(replace(look, table=None, vignette={}), self.pairs)).clone()
        light = fallen(look.vignette, self.pairs.framed()).reshape(-1)
        wanted, weights = self.pairs.wanted.reshape(-1, 3), self.weights.flatten()

        def loss(made: Tensor, some: Tensor) -> Tensor:
            return (difference(lab(made * light[some]), wanted[some]) * weights[some]).mean()

        return fit_residue(display, loss, look.mixed, not self.tinted, steps, self.step)

    def step(self) -> None:
        """Tell that one more step was done."""
        self.done += 1
        self.tell(self.done / self.total)

    def look(self) -> Look:
        """What was found."""
        assert self.ways is not None
        with torch.no_grad():
            ways = self.ways + self.back @ self.more
            curve = ways[:, 1:] @ self.bumps
            curve[0] += (tonemap.rising(self.first, self.steps) - self.mean)[0]
            tint = self.tint[0] if self.tinted else torch.zeros_like(self.tint[0])
            chroma = (self.chroma - self.usual * self.lamp)[0]
            rows = (ways[:, 0], curve, self.grid, chroma, tint, self.lamp[0])
            offsets = Offsets(*(r.detach().clone() for r in rows))
            # the scene light that becomes middle grey: where it goes along with a picture's own middle, exposure is automatic
            params = rising(offsets.on(self.pairs.base, self.pairs.facts, self.pairs.lamp))
            ev = torch.linspace(-9.0, 7.0, 641)
            light = tonemap.curved(params.curve, ev.expand(len(self.pairs), -1))
            at = ev[(light < tc.GREY ** (1 / 3)).sum(1).clamp_max(640)] - params.gain
            both = torch.cov(torch.stack([at, self.pairs.facts[:, 1] * 4]))
        mixed = self.channels.table(SIZE, not self.tinted)
        follows = float(both[0, 1] / both[1, 1].clamp_min(1e-3))
        return Look(offsets, self.tinted, follows, mixed, mixed, self.falloff.values())


def _rough(table: Tensor) -> Tensor:
    """Mean squared differences of neighbours in a table of colours (1, 3, hues, lightnesses, saturations)."""
    wide = torch.cat([table, table[:, :, :1]], 2)  # hue goes round
    both = [wide.diff(dim=2), table.diff(dim=4)] + ([table.diff(dim=3)] if table.shape[3] > 1 else [])
    return torch.stack([d.square().mean() for d in both]).sum()


def grey_chroma(tint: Tensor, channels: Channels | None = None) -> Tensor:
    """CIELAB chroma that greys of L* 10 … 97 get from tints (2, 6), and then from channels."""
    light = torch.linspace(0.22, 0.98, 24)[None]
    grey = torch.stack([light, torch.zeros_like(light), torch.zeros_like(light)], 1)
    none = torch.zeros(1, *tonemap.SHAPES["chroma"])
    made = tonemap.rgb_of(tonemap.coloured(none, tint[None], grey, light))
    if channels is not None:
        made = _rows(light_of(channels(display_values(_line(made), SRGB)), RGB), 1)
    colour = _lab(made)[0, :, 1:]
    return torch.hypot(colour[:, 0], colour[:, 1])


def ridge(facts: Tensor, wanted: Tensor) -> tuple[Tensor, float]:
    """Coefficients (5,) of facts (B, 5; the first is 1) for `wanted` (B,), and the mean squared error of pairs left out.

    The ridge is chosen by leaving each pair out in turn; a constant is taken unless something convinces.
    """
    x, mean = facts[:, 1:], wanted.mean()
    at, spread = x.mean(0), x.std(0).clamp_min(0.02)
    z, y = (x - at) / spread, wanted - mean
    best, chosen = math.inf, torch.zeros(x.shape[1])
    for held in RIDGES:
        if math.isinf(held):
            way, hat = torch.zeros(x.shape[1]), torch.full((len(y),), 1 / len(y))
        else:
            solved = torch.linalg.solve(z.T @ z + held * torch.eye(z.shape[1]), z.T)
            way, hat = solved @ y, (z * solved.T).sum(1) + 1 / len(y)
        error = float((((y - z @ way) / (1 - hat).clamp_min(0.05)) ** 2).mean())
        if error < best * (CONVINCING if not chosen.any() else 1.0):
            best, chosen = error, way
    chosen = chosen / spread
    return torch.cat([(mean - at @ chosen)[None], chosen]), best


def difference(made: Tensor, wanted: Tensor) -> Tensor:
    """(…): near ΔE2000 for Lab (…, 3), with the weights of CIE94 at the wanted colour, smooth at 0, to be learned by."""
    chroma = torch.hypot(wanted[..., 1], wanted[..., 2])
    d = made - wanted
    along = torch.hypot(made[..., 1] + 1e-3, made[..., 2]) - chroma
    across = (d[..., 1] ** 2 + d[..., 2] ** 2 - along**2).clamp_min(0)
    dark = 1 + 0.015 * (wanted[..., 0] - 50) ** 2 / (20 + (wanted[..., 0] - 50) ** 2).sqrt()
    square = (d[..., 0] / dark) ** 2 + (along / (1 + 0.045 * chroma)) ** 2 + across / (1 + 0.015 * chroma) ** 2
    return (square + 0.04).sqrt() - 0.2


def _lab(rgb: Tensor) -> Tensor:
    """Linear Rec.2020 (B, 3, N) → CIELAB (B, N, 3), with slopes that stay finite."""
    return lab(_line(rgb)).view(len(rgb), -1, 3)


def _line(rgb: Tensor) -> Tensor:
    """(B, 3, N) → (3, B · N)."""
    return rgb.permute(1, 0, 2).reshape(3, -1)


def _rows(rgb: Tensor, pairs: int) -> Tensor:
    """The inverse of `_line`."""
    return rgb.view(3, pairs, -1).permute(1, 0, 2)
