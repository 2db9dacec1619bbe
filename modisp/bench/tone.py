"""How near a tone stage comes to its teacher on scenes that no training has seen, style by style.

The closed form stands beside, and what operators fitted to each picture could do at best: a curve alone, a curve and a table
of colours, a 3-D table, and all that the learned stage has.  Its network without local light, trained the same way, is
measured too where its weights are given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from modisp import weights
from modisp.bench.tables import Row
from modisp.bench.tone_fits import encoded, fit_cube, fit_params, places
from modisp.image import Image, Metadata, State
from modisp.metrics import delta_e, psnr, ssim
from modisp.operators import tonemap
from modisp.recipe import Recipe
from modisp.stage import Stage, list_stages
from modisp.style import Style
from modisp.teach import TEACHERS, finish
from modisp.train import data, tone_data
from modisp.train.tone import lab, predict

Render = Callable[[Tensor], Tensor]
STAGES = ("tone_learned", "tone")


def scenes(folder: Path | None) -> list[Tensor]:
    """Held-out views of the data folder; or of any other folder's .hdr panoramas and pictures and RAW files."""
    if folder is None or (folder / "photos").is_dir():
        return tone_data.held_out(data.data_folder(folder))
    found = sorted(p for p in folder.iterdir() if p.is_file())
    out = [s for p in found for s in tone_data.read_scene(p)]
    if not out:
        raise ValueError(f"there are no scenes (.hdr, RAW files) in {folder}")
    return out


def by_stage(name: str, style: str) -> Render:
    """A tone stage under a style, and the style's other slots after it, as `develop` runs them."""
    recipe = Recipe.default(Metadata()).swap(name).switch("detail", False)  # tone is what is measured
    recipe = Style.load(style).apply(recipe).resolve()
    stages: list[Stage] = [recipe["tone"]]
    stages += [
        e.stage for e in recipe.entries
        if e.on and isinstance(e.stage, Stage) and e.stage.reads is State.DISPLAY is e.stage.writes
        and not e.stage.is_neutral()
    ]  # fmt: skip

    def render(scene: Tensor) -> Tensor:
        image = Image(scene, State.SCENE, Metadata())
        for stage in stages:
            image = stage(image)
        return image.pixels

    return render


def by_network(path: Path) -> Render:
    """A network's finish, by the definition of the operators."""
    net, _ = weights.load(path)

    def render(scene: Tensor) -> Tensor:
        params = predict(net, tone_data.square(scene)[None])
        rgb = scene.reshape(1, 3, -1)
        return tonemap.apply(params, rgb, places(*scene.shape[1:])).clamp(0, 1).view_as(scene)

    return render


def teacher_of(style: str) -> Render:
    """The style's teacher; in black and white, with the style's own greys after it."""
    look = Style.load(style).values.get("look", {})
    grey = list_stages()["look"](**{k: v for k, v in look.items() if k == "monochrome" or k.startswith("mix_")})

    def render(scene: Tensor) -> Tensor:
        out = finish(scene, TEACHERS[style])
        return grey(Image(out, State.DISPLAY, Metadata())).pixels if look.get("monochrome") else out

    return render


def measure(
    folder: Path | None,
    styles: Sequence[str] = ("natural",),
    fits: bool = False,
    without: Path | None = None,
    limit: int | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> list[Row]:
    """A row for every method and style; `fits`: also what operators fitted to each picture do; `without`: see above."""
    if unknown := [s for s in styles if s not in TEACHERS]:
        raise ValueError(f"{unknown[0]} has no teacher; there are {', '.join(TEACHERS)}")
    pictures = scenes(folder)
    pictures = pictures[:: max(1, len(pictures) // limit)][:limit] if limit else pictures
    rows: list[Row] = []
    for style in styles:
        methods: dict[str, Render] = {}
        for name in STAGES:
            if list_stages()[name].accepts(Metadata()):
                methods[name] = by_stage(name, style)
        if without is not None and style == "natural":
            methods["network without local light"] = by_network(without)
        teacher = teacher_of(style)
        figures = [_figures(m, teacher, pictures, n, style, say) for n, m in methods.items()]
        if fits:
            truths = [(p, teacher(p)) for p in pictures]
            for name, fit in FITS.items():
                say(f"{style}: {name}")
                with torch.inference_mode(False), torch.enable_grad():
                    shown = [(fit(p.clone(), t.clone()).detach(), t) for p, t in truths]
                figures.append(_row(f"{name}, fitted to each picture", style, [_pair(a, b) for a, b in shown]))
        rows += figures
    return rows


FITS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "curve": lambda scene, truth: fit_params(scene, truth, colours=False, grid=False),
    "curve and colours": lambda scene, truth: fit_params(scene, truth, colours=True, grid=False),
    "3-D table of 17³": fit_cube,
    "all operators": lambda scene, truth: fit_params(scene, truth, colours=True, grid=True),
}


def _pair(out: Tensor, truth: Tensor) -> dict[str, float]:
    error = delta_e(lab(out.reshape(1, 3, -1)), lab(truth.reshape(1, 3, -1))).mean()
    a, b = encoded(out), encoded(truth)
    return {"ΔE2000": float(error), "PSNR": psnr(a, b), "SSIM": ssim(a, b)}


def _figures(
    method: Render, teacher: Render, pictures: Sequence[Tensor], name: str, style: str, say: Callable[[str], object]
) -> Row:
    say(f"{style}: {name}")
    row = _row(name, style, [_pair(method(p), teacher(p)) for p in pictures])
    return replace(row, cpu=_cost(method, pictures[0]))


def _cost(method: Render, picture: Tensor) -> float:
    """CPU seconds a megapixel, of a picture made as large as a camera's."""
    large = torch.nn.functional.interpolate(picture[None], (2000, 3000), mode="bilinear")[0]
    method(large)  # what is made once is made
    began = time.process_time()
    method(large)
    return (time.process_time() - began) / 6.0


def _row(name: str, style: str, pairs: Sequence[dict[str, float]]) -> Row:
    figures = {k: sum(p[k] for p in pairs) / len(pairs) for k in pairs[0]}
    figures |= {"worst ΔE": max(p["ΔE2000"] for p in pairs), "least PSNR": min(p["PSNR"] for p in pairs)}
    return Row(name, style, figures, len(pairs))


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a table."""
    heads = ("style", "method", "ΔE2000", "worst", "PSNR, dB", "least", "SSIM", "CPU s/MP")
    lines = ["| " + " | ".join(heads) + " |", "|---|---" + "|---:" * (len(heads) - 2) + "|"]
    for r in rows:
        f = r.figures
        cells = [
            f"{f['ΔE2000']:.2f}",
            f"{f['worst ΔE']:.2f}",
            f"{f['PSNR']:.1f}",
            f"{f['least PSNR']:.1f}",
            f"{f['SSIM']:.3f}",
        ]
        lines.append(f"| {r.protocol} | {r.method} | " + " | ".join(cells) + f" | {f'{r.cpu:.3f}' if r.cpu else ''} |")
    pictures = rows[0].pictures if rows else 0
    return "\n".join([f"Against each style's teacher, {pictures} pictures that no training has seen.", "", *lines])
