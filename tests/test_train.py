"""The training loop on a task small enough for a test: learning, resuming to the same curve, growing."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from modisp import weights
from modisp.color.transfer import srgb_decode
from modisp.nets import build
from modisp.nets.compand import stable_sigma
from modisp.train import TASKS, Options, loop, main, plot, restore, train
from modisp.train.data import Source, encode, halve_chroma, reduce, striped, view
from modisp.train.export import export
from modisp.train.grow import grow
from modisp.train.muon import orthogonal
from modisp.train.tasks import task

TINY = {"kind": "demosaic", "cfa": "bayer", "width": 8, "blocks": 1, "inner_width": 8, "inner_blocks": 1}


def tiny(**changes: object) -> object:
    return task("demosaic-bayer-fast", architecture=TINY, batch=3, patch=48, **changes)


def options(folder: Path, out: Path, **changes: object) -> Options:
    settings = Options(out=out, data=folder, steps=12, validate_minutes=1e9, leaves=2, warm_up=2, muon=0.003)
    return replace(settings, **changes)


def silent(line: str) -> None:
    """No output."""


def test_resumed_run_follows_the_same_curve(photographs: Path, tmp_path: Path) -> None:
    whole = train(tiny(), options(photographs, tmp_path / "whole"), silent)

    class Interrupted(Exception):
        pass

    chosen = tiny()
    calls = 0

    def draw(*given: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 6:  # as Ctrl-C does: the step is finished, everything saved
            os.kill(os.getpid(), signal.SIGINT)
        return chosen.draw(*given)

    previous = signal.getsignal(signal.SIGINT)
    try:
        train(replace(chosen, draw=draw), options(photographs, tmp_path / "parts"), silent)
    finally:
        signal.signal(signal.SIGINT, previous)
    saved = torch.load(tmp_path / "parts" / "checkpoint.pt", weights_only=True)
    assert saved["step"] == 6
    resumed = train(chosen, options(photographs, tmp_path / "parts"), silent)
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)
    logs = [json.loads((tmp_path / run / "log.jsonl").read_text().splitlines()[-1]) for run in ("whole", "parts")]
    assert logs[0]["loss"] == pytest.approx(logs[1]["loss"], abs=1e-5)
    assert logs[0]["step"] == logs[1]["step"] == 12


@pytest.mark.parametrize("name", sorted(n for n, t in TASKS.items() if not t.examples))
def test_every_task_learns(name: str, photographs: Path) -> None:
    """One batch, over and over: the loss must fall."""
    chosen = TASKS[name]
    small = {"width": 8, "blocks": 1, "inner_width": 8, "inner_blocks": 1}
    chosen = replace(chosen, architecture={**chosen.architecture, **small})
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(0)
    encoded = torch.nn.functional.avg_pool2d(torch.rand(3, 3, 48, 48, generator=random), 3, 1, 1)
    example = chosen.draw(encoded, random)
    net = chosen.net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        loss = chosen.loss(net, example)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.95 * losses[0]
    with torch.no_grad():
        figures = chosen.score(net, [torch.rand(3, 72, 72, generator=random)])
    assert chosen.watch in figures


def test_minutes_are_a_budget(photographs: Path, tmp_path: Path) -> None:
    settings = options(photographs, tmp_path / "run", steps=None, minutes=0.01)
    train(tiny(), settings, silent)
    saved = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert 0.6 <= saved["spent"] < 30
    assert saved["optimizers"][0]["param_groups"][0]["lr"] < 2e-3


def test_a_run_put_aside_keeps_its_minutes(photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, late = tiny(), 0.0

    def slept(net: object, example: object) -> torch.Tensor:
        nonlocal late
        late = late or 3600.0  # once, within a step
        return chosen.loss(net, example)

    clock = time.monotonic
    monkeypatch.setattr(loop.time, "monotonic", lambda: clock() + late)
    train(replace(chosen, loss=slept), options(photographs, tmp_path / "run", steps=4), silent)
    saved = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert saved["step"] == 4 and loop.PAUSE <= saved["spent"] < loop.PAUSE + 60


def test_main_plot_and_export(photographs: Path, tmp_path: Path) -> None:
    said: list[str] = []
    start = tmp_path / "start"
    train(tiny(), options(photographs, start), silent)
    assert plot(start, tmp_path / "curve.png").stat().st_size > 0
    card = export(start, tmp_path / "w.safetensors", photographs / "photos" / "val")
    assert card.steps == 12 and card.figures["encoded"] > 10
    assert str(tmp_path) not in json.dumps(card.command)
    tuned = train(tiny(), options(photographs, tmp_path / "tuned", steps=1, start=tmp_path / "w.safetensors"), silent)
    last = export(tmp_path / "tuned", tmp_path / "again.safetensors")
    assert last.before == [f"{card.command} (12 steps)"] and last.command.endswith("--start w")
    expected, _ = weights.load(tmp_path / "w.safetensors")
    for a, b in zip(tuned.parameters(), expected.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-2)
    with pytest.raises(KeyError, match="no task"):
        main("dream", tmp_path / "x", data=photographs, say=said.append)
    with pytest.raises(FileNotFoundError, match="MODISP_DATA"):
        main("restore-fast", tmp_path / "x", data=tmp_path / "nowhere", steps=1, say=said.append)


def test_a_cameras_own_noise(photographs: Path, tmp_path: Path) -> None:
    encoded = torch.full((2, 3, 48, 48), 0.5)
    seen, sigma, *_ = restore.draw(encoded, torch.Generator().manual_seed(0), profiles=[(1e-3, 1e-6)])
    expected = stable_sigma(torch.tensor(1e-3), torch.tensor(1e-6))
    assert torch.allclose(sigma, expected.expand_as(sigma))
    assert seen.shape == (2, 1, 48, 48)
    with pytest.raises(ValueError, match="restore"):
        main("demosaic-bayer-fast", tmp_path, data=photographs, profiles=[(1e-3, 1e-6)])


def test_a_guess_at_the_blur_teaches_the_clean_head_alone() -> None:
    encoded = torch.rand(12, 3, 48, 48, generator=torch.Generator().manual_seed(1))
    example = restore.draw(encoded, torch.Generator().manual_seed(0))
    guessed = example[4].isnan().flatten(1).all(1)
    assert 0 < int(guessed.sum()) < 12 and not example[4][~guessed].isnan().any()
    net = task("restore-fast").net().train()
    for which, learns in ((guessed, False), (~guessed, True)):
        net.zero_grad()
        restore.loss(net, tuple(part[which] for part in example)).backward()
        clean, sharp = net.trunk.tail.weight.grad.abs().chunk(2)
        assert float(clean.sum()) > 0 and bool(sharp.sum() > 0) is learns


def test_view_looks_where_it_is_told() -> None:
    """A panorama coloured by direction: red to the right, green up."""
    latitude = torch.linspace(1, -1, 64)[:, None].expand(64, 128)
    longitude = torch.linspace(-1, 1, 128).expand(64, 128)
    panorama = torch.stack([longitude + 1, latitude + 1, torch.ones_like(latitude)])
    seen = view(panorama, 0.5, 0.3)
    middle = seen[:, seen.shape[1] // 2, seen.shape[2] // 2]
    assert float(middle[0]) == pytest.approx(1 + 0.5 / math.pi, abs=0.03)
    assert float(middle[1]) == pytest.approx(1 + 0.3 / (math.pi / 2), abs=0.03)
    assert (seen[0, 10].diff() > 0).all() and (seen[1, :, 10].diff() < 0).all()


def test_another_architecture_is_refused(photographs: Path, tmp_path: Path) -> None:
    train(tiny(), options(photographs, tmp_path, steps=2), silent)
    other = replace(tiny(), architecture={**TINY, "width": 16})
    with pytest.raises(ValueError, match="another architecture"):
        train(other, options(photographs, tmp_path, steps=2), silent)


def test_grown_network_computes_the_same() -> None:
    small = build(TINY)
    large = build({**TINY, "width": 16, "blocks": 4, "inner_width": 24, "inner_blocks": 2})
    # the small net's blocks keep their places only on the side where they were
    grow(small.state_dict(), large)
    u = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        assert torch.allclose(small(u), large(u), atol=1e-5)
    with pytest.raises(ValueError, match="larger"):
        grow(large.state_dict(), build({**TINY, "blocks": 4, "inner_blocks": 2}))


def test_orthogonal() -> None:
    matrix = torch.randn(12, 40)
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert float(values.min()) > 0.5 and float(values.max()) < 1.3
    assert torch.allclose(orthogonal(matrix.T), orthogonal(matrix).T, atol=1e-5)


def test_transfer_and_reduction() -> None:
    x = torch.linspace(0, 1, 256)
    assert torch.allclose(encode(srgb_decode(x)), x, atol=1e-5)
    flat = torch.full((3, 40, 60), 0.4)
    assert torch.allclose(reduce(flat, 2.0), torch.full((3, 20, 30), 0.4), atol=1e-4)


def test_coarse_colour_keeps_light_and_grey() -> None:
    random = torch.Generator().manual_seed(0)
    pictures = 0.3 + 0.4 * torch.rand(2, 3, 16, 16, generator=random)
    coarse = halve_chroma(pictures)
    luma = torch.tensor((0.299, 0.587, 0.114)).view(3, 1, 1)
    assert torch.allclose((coarse * luma).sum(1), (pictures * luma).sum(1), atol=1e-5)
    grey = pictures[:, :1].expand(-1, 3, -1, -1)
    assert torch.allclose(halve_chroma(grey), grey, atol=1e-6)
    # colour that alternates from pixel to pixel is gone, colour that does not is kept
    board = torch.zeros(16, 16)
    board[::2, ::2] = board[1::2, 1::2] = 0.1
    chequered = torch.stack([0.4 + board, torch.full_like(board, 0.4), 0.5 - board])[None]
    spread = halve_chroma(chequered)
    apart = spread - (spread * luma).sum(1, keepdim=True)
    assert float(apart.flatten(2).std(2).max()) < 1e-5
    even = torch.tensor([0.2, 0.4, 0.6]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    assert torch.allclose(halve_chroma(even), even, atol=1e-6)


def test_the_share_of_coarse_patches(photographs: Path, tmp_path: Path) -> None:
    source = Source.open(photographs, (1.4,), 2, tmp_path)
    plain, all_coarse = (replace(source, coarse=share).batch(4, 32, np.random.default_rng(3)) for share in (0.0, 1.0))
    assert torch.allclose(halve_chroma(plain), all_coarse, atol=1e-6)
    assert not torch.allclose(plain, all_coarse, atol=1e-3)


def test_stripes_are_as_fine_as_pixels_and_mostly_grey() -> None:
    random, flat = np.random.default_rng(5), np.full((3, 32, 32), 99, np.uint8)
    drawn = [p for p in (striped(flat, random) for _ in range(40)) if (p != 99).any(0).mean() > 0.3]
    assert len(drawn) > 10 and all(p.dtype == np.uint8 and p.shape == flat.shape for p in drawn)
    grey = [p for p in drawn if int(np.ptp(p, axis=0).max()) == 0]
    assert len(drawn) > len(grey) > len(drawn) / 2
    # of neighbours along one axis, light and dark take turns
    strong = [p.astype(int) for p in grey if (p != 99).all() and p.std() > 20]
    assert strong and min(max(np.abs(np.diff(p, axis=k)).mean() for k in (1, 2)) / p.std() for p in strong) > 0.9
