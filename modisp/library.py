"""The photographer's own styles: kept in a folder each, with a cover; taken in from colour tables, handed out again.

A style appears whole or not at all: its folder is made aside and moved into place.
"""

from __future__ import annotations

import base64
import html
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from modisp.color import spaces, transfer
from modisp.image import Image, Metadata, State
from modisp.io import open_image, save_image
from modisp.io.atomic import replacing
from modisp.operators.cube import Cube, read_cube
from modisp.operators.hald import cube_text, from_hald, identity, smaller, to_hald
from modisp.pipeline import develop
from modisp.recipe import Recipe
from modisp.resources import home, path
from modisp.stage import Reading, Stage
from modisp.style import Style

COVER = "cover.jpg"
COVER_EDGE = 480  # pixels of the long edge
STEPS = 33  # an axis, of tables that are handed out
TABLES = (".cube", ".png", ".tif", ".tiff")
"""Suffixes of colour tables: `.cube`, and pictures that show one (HaldCLUT)."""
_LARGEST = 64 << 20  # bytes, of what a packed style may hold


def folder_name(name: str) -> str:
    """The folder that a style of this name is kept in.  ValueError where nothing of the name is left."""
    plain = re.sub(r"[^\w]+", "-", name.lower()).strip("-_")
    if not plain:
        raise ValueError(f"a style needs a name of letters or digits, not {name!r}")
    return plain


def free_folder(name: str, force: bool = False) -> Path:
    """Where a style of this name will be kept.  ValueError where there is one already (unless `force`)."""
    target = home("styles") / folder_name(name)
    if target.exists() and not force:
        raise ValueError(f"there is a style {target.name} of yours already; --force replaces it")
    return target


@contextmanager
def new_folder(name: str, force: bool = False) -> Iterator[Path]:
    """A folder to put a style into; it becomes the style of this name when the block ends well.  ValueError if there is one."""
    target = free_folder(name, force)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".modisp-", dir=target.parent))
    try:
        yield aside
        old = aside.with_name(aside.name + "-old")
        if target.exists():
            target.rename(old)
        aside.chmod(0o755)
        aside.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def keep(
    style: Style,
    *,
    force: bool = False,
    picture: Path | None = None,
    recipe: Recipe | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Path:
    """Keep a style among the photographer's own, with a cover; its folder.

    `picture` and `recipe` are what the cover shows: a picture as it is developed already, else one of our samples under the
    style.  ValueError where there is a style of this name (unless `force`).
    """
    with new_folder(style.name, force) as aside:
        style.save(aside)
        write_cover(Style.load(aside), aside, picture, recipe, cancel)
    return home("styles") / folder_name(style.name)


def write_cover(
    style: Style,
    folder: Path,
    picture: Path | None = None,
    recipe: Recipe | None = None,
    cancel: Callable[[], bool] | None = None,
) -> None:
    """Write the cover of a style: a picture (one of our samples where none is named) under it, or under `recipe`."""
    source = picture or path("samples") / "still_life.dng"
    image = open_image(source)
    shown = (recipe or style.apply(Recipe.default(image))).fit(image)
    out = develop(image, shown, size=COVER_EDGE, cancel=cancel)
    save_image(out, folder / COVER, quality=88, policy="none", force=True)


def covers(styles: Mapping[str, Style]) -> str:
    """An HTML page that shows styles by their covers, which it holds itself."""
    cards = []
    for key, style in styles.items():
        file = style.folder / COVER if style.folder else None
        shown = ""
        if file is not None and file.is_file():
            content = base64.b64encode(file.read_bytes()).decode("ascii")
            shown = f'<img src="data:image/jpeg;base64,{content}" alt="">'
        words = f"<b>{html.escape(style.name)}</b> <code>{html.escape(key)}</code><br>{html.escape(style.words)}"
        cards.append(f"<figure>{shown}<figcaption>{words}</figcaption></figure>")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Styles</title><style>'
        "body{font:14px/1.4 system-ui,sans-serif;background:#1b1b1b;color:#bbb;margin:2rem;display:grid;gap:1.4rem;"
        "grid-template-columns:repeat(auto-fill,minmax(18rem,1fr))}figure{margin:0}img{width:100%;display:block}"
        f"b{{color:#eee}}code{{color:#888}}</style></head><body>\n{chr(10).join(cards)}\n</body></html>\n"
    )


# --- tables -----------------------------------------------------------------------------------------------------------------


def read_table(file: Path) -> Cube:
    """The colour table of a `.cube` file or a HaldCLUT picture.  ValueError, in one sentence, for other files."""
    if file.suffix.lower() == ".cube":
        return smaller(read_cube(file))
    image = open_image(file)
    if image.state is not State.ENCODED:
        raise ValueError(f"{file.name} is a RAW file, not a colour table")
    return from_hald(image.pixels, file.name, image.meta.space or "srgb")


def import_table(file: Path, name: str = "", space: str = "", force: bool = False) -> Path:
    """Keep a colour table as a style; the style's folder.  `space` is what its colours are in, where the file does not say."""
    table = read_table(file)
    table = replace(table, space=space or table.space)
    title = name or table.title or file.stem
    with new_folder(title, force) as aside:
        (aside / "table.cube").write_text(cube_text(table), "utf-8")
        words = f"The colours of {file.name}."
        style = Style(title, {"look": {"cube": str(aside / "table.cube")}}, words)
        style.save(aside)
        write_cover(Style.load(aside), aside)
    return home("styles") / folder_name(title)


def table_of(style: Style) -> tuple[Cube, list[str]]:
    """What a style does to finished colours, in sRGB, as a table; and the slots left out, whose work depends on the place.

    ValueError for a style that goes along with the light of each picture: no table can hold that.
    """
    image = Image(identity(STEPS).reshape(3, STEPS, -1).contiguous(), State.ENCODED, Metadata(cfa=(), space="srgb"))
    recipe = style.apply(Recipe.default(image)).resolve()
    for e in recipe.entries:
        if isinstance(e.stage, Stage) and any(
            p.kind == "offsets" and getattr(e.stage, k) for k, p in e.stage.params().items()
        ):
            raise ValueError(
                f"{style.name} goes along with the light of each picture, which no table can hold; export a .zip"
            )
    left: list[str] = []
    for slot in style.values:
        stage = recipe[slot]
        if not _pointwise(stage):
            recipe, left = recipe.swap(type(stage)()), [*left, slot]
    done = develop(image, recipe, until=State.DISPLAY)
    colours = spaces.apply(spaces.between("rec2020", "srgb"), done.pixels).clamp_min(0.0)
    values = transfer.encode("srgb", colours).clamp(0, 1)
    return Cube(values.reshape(3, STEPS, STEPS, STEPS), space="srgb", title=style.name), left


def _pointwise(stage: Stage) -> bool:
    """Whether every pixel is for itself: turned round, the picture comes out turned round."""
    if stage.halo(1.0) > 0:
        return False
    grey = torch.rand(3, 48, 64, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.1
    there, back = (
        stage.process(Image(p.contiguous(), stage.reads, Metadata(space="srgb")), Reading(), None)
        for p in (grey, grey.flip(1, 2))
    )
    return torch.allclose(there, back.flip(1, 2), atol=1e-4)


def export(style: Style, target: Path, force: bool = False) -> list[str]:
    """Hand a style out: a `.zip` with all of it, or a table (`.cube`, or a HaldCLUT `.png` or `.tif`); the slots left out."""
    if target.exists() and not force:
        raise ValueError(f"{target} exists already; --force overwrites it")
    kind = target.suffix.lower()
    if kind not in (".zip", *TABLES):
        raise ValueError(f"a style is exported as .zip, or as a table: {', '.join(TABLES)}; not as {target.name}")
    if kind == ".zip":
        with tempfile.TemporaryDirectory() as aside, replacing(target, force) as file:
            folder = Path(aside) / folder_name(style.name)
            style.save(folder)
            if style.folder is not None and (style.folder / COVER).is_file():
                shutil.copy(style.folder / COVER, folder / COVER)
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
                for part in sorted(folder.iterdir()):
                    packed.write(part, f"{folder.name}/{part.name}")
        return []
    table, left = table_of(style)
    if kind == ".cube":
        with replacing(target, force) as file:
            file.write(cube_text(table).encode())
    else:
        hald = Image(to_hald(table).clamp(0, 1), State.ENCODED, Metadata(cfa=(), space="srgb"))
        save_image(hald, target, bits=16, force=force)
    return left


def import_style(file: Path, name: str = "", force: bool = False) -> Path:
    """Keep a style that was handed out (a folder, its style.toml, or a .zip of it); the style's folder."""
    with tempfile.TemporaryDirectory() as aside:
        if file.suffix.lower() == ".zip":
            file = unpacked(file, Path(aside))
        style = Style.load(file)
        style = replace(style, name=name or style.name)
        with new_folder(style.name, force) as made:
            style.save(made)
            cover = (style.folder or Path()) / COVER
            if cover.is_file():
                shutil.copy(cover, made / COVER)
            else:
                write_cover(Style.load(made), made)
    return home("styles") / folder_name(style.name)


def unpacked(file: Path, aside: Path) -> Path:
    """The folder of the style in a .zip; only plain files of one folder are taken, whatever else it claims to hold."""
    try:
        with zipfile.ZipFile(file) as packed:
            rows = [i for i in packed.infolist() if not i.is_dir()]
            heads = [i for i in rows if Path(i.filename).name == "style.toml"]
            if len(heads) != 1:
                raise ValueError(
                    f"{file.name} holds {'several styles' if heads else 'no style'}; one style.toml is needed"
                )
            inside = Path(heads[0].filename).parent
            rows = [i for i in rows if Path(i.filename).parent == inside]
            if sum(i.file_size for i in rows) > _LARGEST:
                raise ValueError(f"{file.name} holds more than a style could need")
            for i in rows:
                (aside / Path(i.filename).name).write_bytes(packed.read(i))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as e:
        raise ValueError(f"{file.name} is no packed style: {e}") from e
    return aside


def is_table(file: Path) -> bool:
    """Whether a file is a colour table, by its name."""
    return file.suffix.lower() in TABLES


__all__ = [
    "COVER",
    "covers",
    "export",
    "folder_name",
    "free_folder",
    "import_style",
    "import_table",
    "is_table",
    "keep",
    "new_folder",
    "read_table",
    "table_of",
    "write_cover",
]
