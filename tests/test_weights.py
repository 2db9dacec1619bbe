"""Weight files: what is saved is loaded, the card is kept, the right file is found."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from modisp import resources, weights
from modisp.nets import build

ARCHITECTURE = {"kind": "demosaic", "cfa": "bayer", "width": 8, "blocks": 1}


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The user's folder and the shipped one, both empty."""
    home, shipped = tmp_path / "home", tmp_path / "shipped"
    monkeypatch.setattr(resources, "home", lambda kind: home / kind)
    monkeypatch.setattr(resources, "path", lambda kind: shipped / kind)
    return home / "weights", shipped / "weights"


def made(path: Path, seed: int = 0) -> tuple[torch.nn.Module, weights.Card]:
    torch.manual_seed(seed)
    net = build(ARCHITECTURE)
    card = weights.Card("demosaic-x", ARCHITECTURE, 10, 2.5, "photographs (a licence)", 7, seed, "modisp train x")
    weights.save(path, net, replace(card, figures={"encoded": 41.0}))
    return net, card


def test_saved_is_loaded(folders: tuple[Path, Path]) -> None:
    net, card = made(folders[1] / "demosaic-x.safetensors")
    loaded, said = weights.load("demosaic-x")
    assert said == replace(card, figures={"encoded": 41.0})
    u = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        assert torch.allclose(loaded(u), net(u), atol=2e-3)
    assert not any(p.requires_grad for p in loaded.parameters()) and not loaded.training
    assert [c.name for c in weights.list_weights()] == ["demosaic-x"]


def test_users_and_cameras_files_come_first(folders: tuple[Path, Path]) -> None:
    home, shipped = folders
    made(shipped / "restore-fast.safetensors")
    generic = weights.digest("restore-fast")
    made(shipped / "restore-fast@my-camera-2.safetensors", seed=1)
    assert weights.find("restore-fast", "My Camera (2)").name == "restore-fast@my-camera-2.safetensors"
    assert weights.digest("restore-fast", "My Camera (2)") != generic
    assert weights.digest("restore-fast", "Another") == generic
    made(home / "restore-fast.safetensors", seed=2)
    assert weights.digest("restore-fast") != generic
    assert len(weights.list_weights()) == 2


def test_missing_and_foreign_files_are_named(folders: tuple[Path, Path]) -> None:
    with pytest.raises(weights.WeightsMissing, match="'dream'"):
        weights.load("dream")
    from safetensors.torch import save_file

    folders[1].mkdir(parents=True)
    path = folders[1] / "foreign.safetensors"
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="no card"):
        weights.card(path)
    path.write_bytes(b"no weights at all, but long enough")
    with pytest.raises(ValueError, match=r"foreign.safetensors is no weight file"):
        weights.load(path)


def test_shipped_weights_load_and_are_small() -> None:
    """Every file in assets: loads, says what it is, and does what it says."""
    shipped = sorted(resources.path("weights").glob("*.safetensors"))
    for path in shipped:
        net, card = weights.load(path)
        assert card.name == path.stem.split("@")[0]
        assert card.data and card.licence and card.steps > 0
        assert card.parameters == sum(p.numel() for p in net.parameters())
        limit = 12_000 if path.stem.endswith("fast") else 60_000
        assert card.macs_per_pixel <= limit * 1.06
        assert path.stat().st_size < 2_000_000


def test_what_shipped_weights_were_made_by_can_be_run_again() -> None:
    """Every command on a card, and before it, is one that `modisp train` understands."""
    import typer.main

    from modisp.cli.app import app
    from modisp.train import TASKS

    train = typer.main.get_command(app).commands["train"]  # type: ignore[attr-defined]
    for path in sorted(resources.path("weights").glob("*.safetensors")):
        card = weights.card(path)
        for command in (*card.before, card.command):
            words = re.sub(r" \(\d+ steps\)$", "", command).split()
            assert words[:2] == ["modisp", "train"], command
            found = train.make_context("train", words[2:]).params
            assert found["task"] in TASKS, command
            assert found["start"] is None or weights.find(str(found["start"])), command
