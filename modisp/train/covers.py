"""Cover pictures of the shipped styles: `python -m modisp.train.covers` draws them anew from our own sample scenes."""

from __future__ import annotations

import argparse

from PIL import Image

from ..io import open_image
from ..pipeline import develop
from ..recipe import Recipe
from ..resources import path
from ..style import Style, list_styles

SAMPLE = "still_life.dng"
LONG = 288  # pixels


def cover(style: Style) -> Image.Image:
    """The sample picture in a style, with the learned tone, small."""
    source = open_image(path("samples") / SAMPLE)
    recipe = style.apply(Recipe.default(source).swap("tone_learned"))
    out = develop(source, recipe, scale=LONG / max(source.pixels.shape[1:]))
    return Image.fromarray((out.pixels.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy())


def command(arguments: list[str] | None = None) -> None:
    """The command line of ``python -m modisp.train.covers``."""
    parser = argparse.ArgumentParser(description="Draw the covers of the shipped styles.")
    parser.add_argument("styles", nargs="*", metavar="STYLE", help="all without")
    given = parser.parse_args(arguments)
    shipped = {n: s for n, s in list_styles().items() if s.folder and s.folder.parent == path("styles")}
    for name in given.styles or shipped:
        folder = path("styles") / name
        cover(shipped[name]).save(folder / "cover.jpg", quality=86, optimize=True)
        print(folder / "cover.jpg", flush=True)


if __name__ == "__main__":
    command()
