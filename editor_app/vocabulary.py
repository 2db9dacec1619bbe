"""What photographers call things elsewhere, so that a search finds them by the words that a hand knows.  No Qt here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

SPELLINGS = {"color": "colour", "gray": "grey", "center": "centre", "favorite": "favourite", "neutralise": "neutralize"}

_ALIKE = """
look: develop settings, development, settings, adjustments, edits
paste: sync, synchronize, apply to others
paste parts: selective paste
style: preset, profile look, filter
snapshot: version
virtual copy: duplicate, clone, variant
undo: step back, revert last
reset: revert, original, default
export: save as, save jpeg, render, convert, output file
open folder: import, add photos, browse, lighttable, library
outside srgb: gamut, soft proofing, proof, out of gamut
clipping: overexposed, underexposed, zebra, blinkies, highlight warning, blown
crop: rotate, straighten, level, horizon, aspect, ratio, trim
turn: rotate 90, orientation
flip: mirror
perspective: keystone, upright, transform, lens shift, falling lines
pick the white balance: eyedropper, pipette, grey card, dropper, neutral
white balance: wb, temperature, kelvin
tint: green magenta
exposure: brightness, lightness, ev
highlight reconstruction: recover highlights, blown highlights, clipped highlights
shadows: fill light, lift shadows
contrast: levels
tone: tone mapping, filmic, sigmoid, basic
curve: tone curve, rgb curve, parametric
adjust by dragging on the picture: targeted adjustment, tat, on image, target
colour mixer: hsl, colour zones, colour equalizer, selective colour
colour grading: split toning, colour balance, colour wheels, shadows tint
vibrance: velvia, chroma
black & white: black and white, bw, b&w, monochrome, greyscale
colour table: lut, cube, 3d lut
clarity: local contrast, structure, midtone contrast
texture: fine contrast
dehaze: haze, fog
sharpening: sharpen, unsharp mask, usm, capture sharpening
noise: denoise, noise reduction, luminance noise, nr
demosaic: debayer, interpolation
defective pixels: hot pixels, dead pixels, stuck pixels
lens correction: lens profile, distortion, vignetting, lensfun, lens corrections
fringe: chromatic aberration, purple fringe, ca, defringe
vignette: post crop vignette, dark corners
grain: film grain
halation: glow, bloom
space: colour space, icc, output profile
monitor profile: display profile, calibration, colour management
camera's default: camera defaults, raw defaults, auto apply
before: compare, reference view, y|y
camera's jpeg: embedded preview, out of camera, sooc
two photographs side by side: survey, compare view, culling
one stage before: pipeline, module order
docks: panels, sidebars, toolbars
full screen: lights out, f11
appearance: dark, light, theme
interface: ui scale, font size, zoom interface
grey round the picture: background, surround, canvas colour
keys: shortcuts, hotkeys, keyboard
commands: search
stars: rating, rate
reject: flag, trash, delete photo
label: colour label, colour tag
write stars and labels as xmp: metadata, sidecar
information: exif, metadata, camera settings
fit: zoom to fit
1:1: 100 %, 100%, actual pixels
2:1: 200 %, 200%
loupe: magnifier
histogram: waveform, scopes, parade
"""
ALIKE = tuple((ours, rest.split(", ")) for ours, rest in (line.split(": ", 1) for line in _ALIKE.strip().splitlines()))
"""Phrases of ours, and what others say for them."""


def plain(words: str) -> str:
    """Words as they are compared: small letters, one spelling, nothing but what is searched by."""
    out = re.sub(r"[…,.;()\u2019]", " ", words.lower().replace("\u2019", "'"))
    for theirs, ours in SPELLINGS.items():
        out = out.replace(theirs, ours)
    return " ".join(out.split())


@lru_cache(maxsize=2048)
def alike(words: str) -> str:
    """What else the thing is called that these words name; "" for nothing."""
    text = f" {plain(words)} "
    return " ".join(p for ours, theirs in ALIKE if f" {ours} " in text or f" {ours}s " in text for p in theirs)


def rank(letters: str, names: str, more: str) -> int | None:
    """How well a search fits a thing of these names (`more`: what is written about it): the less the better, None: not."""
    sought = plain(letters).split()
    own, text = plain(names), f"{plain(names)} {alike(names)}"
    starts = [f" {text}".find(f" {w}") >= 0 for w in sought]
    if own.startswith(" ".join(sought)):
        return 0
    if all(w in own for w in sought):
        return 1 if all(starts) else 2
    if all(starts):
        return 3
    about = plain(more)
    return 4 if all(f" {w}" in f" {text} {about}" for w in sought) and max(map(len, sought)) > 3 else None


def best(letters: str, things: Iterable[tuple[str, str]]) -> list[int]:
    """Which of (names, what is written about it) a search means, the best first; all in order where nothing is sought."""
    rows = list(things)
    if not plain(letters):
        return list(range(len(rows)))
    found = [(r, i) for i, (names, more) in enumerate(rows) if (r := rank(letters, names, more)) is not None]
    return [i for _, i in sorted(found)]
