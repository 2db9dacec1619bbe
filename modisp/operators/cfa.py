"""Colour filter arrays: patterns, phase planes, and padding that keeps every sample's colour."""

from __future__ import annotations

from functools import lru_cache

import torch

from modisp.image import RGB, Metadata

CFA = tuple[str, ...]


def period(cfa: CFA) -> tuple[int, int]:
    """(rows, columns) of one period of the pattern."""
    return len(cfa), len(cfa[0])


def is_rgb(cfa: CFA) -> bool:
    """Whether the pattern is made of red, green and blue and of nothing else."""
    return bool(cfa) and set("".join(cfa)) == set("RGB") and len({len(row) for row in cfa}) == 1


def is_bayer(cfa: CFA) -> bool:
    """Whether the pattern is Bayer's, in any of its four phases: 2×2 with both greens on one diagonal."""
    if not is_rgb(cfa) or period(cfa) != (2, 2):
        return False
    return cfa[0][0] == cfa[1][1] == "G" or cfa[0][1] == cfa[1][0] == "G"


def colours(cfa: CFA, height: int, width: int, top: int = 0, left: int = 0) -> torch.Tensor:
    """(height, width) of 0 red, 1 green, 2 blue: which colour is sampled where, from pixel (top, left) on."""
    pattern = torch.tensor([["RGB".index(c) for c in row] for row in cfa])
    ph, pw = period(cfa)
    return pattern[(torch.arange(height) + top) % ph][:, (torch.arange(width) + left) % pw]


def per_site(values: RGB | torch.Tensor, cfa: CFA, height: int, width: int) -> torch.Tensor:
    """(height, width): at every pixel the value of its colour; a tensor of values gives it on their device."""
    rows = -(-height // len(cfa))
    cell = torch.as_tensor(values, dtype=torch.float32)
    return cell[colours(cfa, len(cfa), width).to(cell.device)].repeat(rows, 1)[:height]


def balance(meta: Metadata) -> RGB:
    """The as-shot white as factors that are safe to divide by: smooth light has equal R, G, B after the division."""
    top = max(meta.white)
    r, g, b = (min(1.0, max(w / top, 0.05)) if top > 0 else 1.0 for w in meta.white)
    return r, g, b


@lru_cache(maxsize=256)
def fold(start: int, stop: int, size: int, step: int) -> torch.Tensor:
    """Source index in 0 … size−1 of each position start … stop−1: mirrored about the edge pixel, in the same CFA phase.

    The mirror image keeps its phase only for a `step` (period) of 1 or 2; else the nearest position of the right phase
    beside it is taken.  Where the picture is too small to hold that phase at all, any pixel must serve.
    """
    out = []
    for i in range(start, stop):
        j, turn = i, 2 * max(size - 1, 1)
        j = j % turn
        j = min(j if j < size else turn - j, size - 1)
        off = (i - j) % step
        if off:
            near = sorted((j + off, j + off - step), key=lambda k: abs(k - j))
            j = next((k for k in near if 0 <= k < size), (i % step) % size)
        out.append(j)
    return torch.tensor(out)


def pad(mosaic: torch.Tensor, cfa: CFA, top: int, bottom: int, left: int, right: int) -> torch.Tensor:
    """(C, H, W) of CFA samples with a border in which every sample has the colour that its place asks for."""
    h, w = mosaic.shape[-2:]
    ph, pw = period(cfa)
    rows, columns = fold(-top, h + bottom, h, ph), fold(-left, w + right, w, pw)
    return mosaic.index_select(-2, rows.to(mosaic.device)).index_select(-1, columns.to(mosaic.device))


def phase_planes(mosaic: torch.Tensor, rim: int, gains: tuple[float, ...] = (1.0,) * 4) -> torch.Tensor:
    """The four 2×2 phases of (1, H, W) as contiguous planes (4, ⌈H/2⌉ + 2·rim, ⌈W/2⌉ + 2·rim), each times its gain.

    Plane 2·a + b holds rows a, a + 2, … and columns b, b + 2, …; its rim (and the missing last row or column of an odd
    picture) is the mirror image on the lattice.
    """
    if mosaic.shape[1] < 2 or mosaic.shape[2] < 2:
        mosaic = pad(mosaic, ("RG", "GB"), 0, mosaic.shape[1] % 2, 0, mosaic.shape[2] % 2)
    height, width = mosaic.shape[1:]
    h, w = (height + 1) // 2, (width + 1) // 2
    out = torch.empty(4, h + 2 * rim, w + 2 * rim, device=mosaic.device)
    for k in range(4):
        a, b = divmod(k, 2)
        samples = mosaic[0, a::2, b::2]
        nh, nw = samples.shape
        plane = out[k]
        torch.mul(samples, gains[k], out=plane[rim : rim + nh, rim : rim + nw])
        for i in (*range(-rim, 0), *range(nh, h + rim)):
            plane[rim + i] = plane[rim + (int(fold(2 * i + a, 2 * i + a + 1, height, 2)) - a) // 2]
        for i in (*range(-rim, 0), *range(nw, w + rim)):
            plane[:, rim + i] = plane[:, rim + (int(fold(2 * i + b, 2 * i + b + 1, width, 2)) - b) // 2]
    return out
