"""The sidecar: whole or not at all, nothing lost, and a picture that stays as it was made."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modisp import Recipe, Sidecar, Stage, State, param
from modisp.image import Metadata
from modisp.recipe import Look
from modisp.sidecar import backup, beside, digest_of, dump_readings, pinned
from modisp.stage import Reading


@pytest.fixture
def picture(tmp_path: Path, home: Path) -> Path:
    path = tmp_path / "IMG_1.DNG"
    path.write_bytes(b"a photograph")
    return path


def edited(picture: Path, ev: float = 0.5) -> Sidecar:
    return Sidecar(picture, Recipe.default().set("exposure", ev=ev))


@pytest.fixture
def learned() -> Iterator[type[Stage]]:
    """A stage with weights, a version and a parameter that it measures by; gone after the test."""
    before = dict(Stage.registry)

    class Learned(
        Stage, slot="exposure", reads=State.SCENE, writes=State.SCENE, version=2, name="exposure_learned", group="Light"
    ):
        mode: str = param("a", choices=("a", "b"), help="how", inference=True)
        ev: float = param(0.0, -5.0, 5.0, unit="EV", help="how bright")
        digest = "new"

        def weights_digest(self) -> str:
            return type(self).digest

    yield Learned
    Stage.registry.clear()
    Stage.registry.update(before)


# --- a round trip ------------------------------------------------------------------------------------------------------------


def test_it_comes_back_as_it_was(picture: Path) -> None:
    look = Look("mine", {"tone": {"contrast": 0.2}}, 0.5, {"tone": 0.3})
    car = edited(picture)
    assert car.recipe is not None
    car.recipe = car.recipe.with_looks([look])
    car.rating, car.label, car.history = 4, "blau — 青", [{"words": "Exposure +0.5"}]
    assert car.save() == beside(picture) == picture.with_name("IMG_1.DNG.modisp")
    back = Sidecar.load(picture)
    assert back.recipe == car.recipe and back.recipe.looks == (look,)
    assert (back.rating, back.label, back.history) == (4, "blau — 青", [{"words": "Exposure +0.5"}])
    assert back.digest == digest_of(picture) and not back.problem


def test_nothing_is_written_for_a_picture_that_nobody_touched(picture: Path) -> None:
    car = Sidecar.load(picture)
    assert not car.touched and car.save() is None
    assert os.listdir(picture.parent) == [picture.name]


def test_saving_the_same_again_writes_nothing(picture: Path) -> None:
    edited(picture).save()
    before = beside(picture).stat().st_mtime_ns
    Sidecar.load(picture).save()
    assert beside(picture).stat().st_mtime_ns == before and not backup(beside(picture)).exists()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
MINE = ("format", "source", "recipe", "readings", "weights", "rating", "label", "history", "copies", "number")
quick = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(
    extra=st.dictionaries(st.text().filter(lambda k: k not in MINE), JSON), label=st.text(), rating=st.integers(-1, 5)
)
def test_what_a_newer_version_wrote_is_kept(picture: Path, extra: dict[str, Any], label: str, rating: int) -> None:
    recipe = Recipe.default().dump() | {"from_the_future": extra}
    recipe["entries"][3]["mask_of_the_future"] = extra
    data = {"format": 9, "recipe": recipe, "label": label, "rating": rating} | extra
    beside(picture).write_text(json.dumps(data), "utf-8")
    car = Sidecar.load(picture)
    assert not car.problem
    car.rating = 1 if rating != 1 else 2
    car.save()
    now = json.loads(beside(picture).read_text("utf-8"))
    assert {k: now[k] for k in extra} == extra and now["format"] == 9 and now.get("label", "") == label
    assert now["recipe"] == recipe


@quick
@given(text=st.binary(max_size=300) | JSON.map(lambda v: json.dumps(v).encode()))
def test_whatever_the_file_holds_is_read_or_put_aside(picture: Path, text: bytes) -> None:
    for old in picture.parent.glob("*.modisp*"):
        old.unlink()
    beside(picture).write_bytes(text)
    car = Sidecar.load(picture)
    car.recipe = Recipe.default()
    broken = bool(car.problem)
    car.save()
    assert Sidecar.load(picture).recipe == Recipe.default()
    if broken and text:
        assert beside(picture).with_name(beside(picture).name + ".damaged-1").read_bytes() == text


@quick
@given(
    key=st.sampled_from([*MINE, "recipe.entries", "recipe.looks", "recipe.entries.3", "recipe.entries.3.values"]),
    value=JSON,
)
def test_a_wrong_value_anywhere_is_a_sentence_not_a_crash(picture: Path, key: str, value: Any) -> None:
    car = edited(picture)
    car.rating = 3
    data: Any = json.loads(json.dumps(car.dump()))
    *way, last = key.split(".")
    at = data
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at[step]
    at[int(last) if isinstance(at, list) else last] = value
    beside(picture).write_text(json.dumps(data), "utf-8")
    back = Sidecar.load(picture)
    assert back.problem == "" or str(beside(picture)) in back.problem
    assert "\n" not in back.problem


# --- writes that fail ---------------------------------------------------------------------------------------------------------


def _unchanged(picture: Path, text: bytes) -> None:
    assert beside(picture).read_bytes() == text
    assert not [n for n in os.listdir(picture.parent) if n.endswith(".part")]


@pytest.mark.parametrize("call", ["fsync", "replace", "write"])
def test_a_disk_that_fails_leaves_the_old_one(picture: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    edited(picture, 1.0).save()
    text = beside(picture).read_bytes()
    full = OSError(errno.ENOSPC, "No space left on device")

    def fail(*_: Any, **__: Any) -> Any:
        raise full

    if call == "write":
        import modisp.io.atomic

        class Full:
            def __enter__(self) -> Full:
                return self

            def __exit__(self, *_: Any) -> None: ...

            write = flush = fail

            def fileno(self) -> int:
                return 0

        monkeypatch.setattr(modisp.io.atomic, "open", lambda *_: Full(), raising=False)
    else:
        monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="could not be saved, and is as it was: No space left"):
        edited(picture, 2.0).save()
    monkeypatch.undo()
    _unchanged(picture, text)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for the size of files")
def test_a_full_disk_leaves_the_old_one(picture: Path) -> None:
    edited(picture, 1.0).save()
    text = beside(picture).read_bytes()
    code = """
import resource, sys
from modisp import Sidecar
car = Sidecar.load(sys.argv[1])
car.label = "x" * 100_000
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    car.save()
except OSError as why:
    print(why)
"""
    done = subprocess.run([sys.executable, "-c", code, str(picture)], capture_output=True, text=True, check=True)
    assert "could not be saved, and is as it was" in done.stdout
    _unchanged(picture, text)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_kill_leaves_a_whole_one(picture: Path) -> None:
    edited(picture, 1.0).save()
    code = """
import itertools, sys
from modisp import Sidecar
car = Sidecar.load(sys.argv[1])
print("ready", flush=True)
for n in itertools.count():
    car.label = f"{n}" * 2000
    car.save()
"""
    child = subprocess.Popen([sys.executable, "-c", code, str(picture)], stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline()
    time.sleep(0.3)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    car = Sidecar.load(picture)
    assert not car.problem and car.recipe == edited(picture, 1.0).recipe and car.label


def test_the_last_good_one_is_kept_and_used(picture: Path) -> None:
    edited(picture, 1.0).save()
    edited(picture, 2.0).save()
    beside(picture).write_bytes(beside(picture).read_bytes()[:50])
    car = Sidecar.load(picture)
    assert car.recipe is not None and car.recipe["exposure"].values()["ev"] == 1.0
    assert "damaged" in car.problem and "last good one" in car.problem
    car.save()
    assert not Sidecar.load(picture).problem
    assert len(list(picture.parent.glob("*.damaged-1"))) == 1


def test_a_folder_that_cannot_be_written_to(picture: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import modisp.sidecar

    real = modisp.sidecar.replacing

    def refuse(path: Path) -> Any:
        if path.parent == picture.parent:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path)

    monkeypatch.setattr(modisp.sidecar, "replacing", refuse)
    where = edited(picture).save()
    assert where == home / "sidecars" / f"{digest_of(picture)}.modisp"
    assert (
        os.listdir(picture.parent) == [picture.name] if home.parent != picture.parent else not beside(picture).exists()
    )
    copy = picture.parent / "elsewhere" / "copy.dng"
    copy.parent.mkdir()
    shutil.copy(picture, copy)
    assert Sidecar.load(picture).recipe == Sidecar.load(copy).recipe == edited(picture).recipe


def test_a_digest_names_no_other_file(picture: Path) -> None:
    beside(picture).write_text('{"source": {"digest": "../../elsewhere"}, "rating": 1}', "utf-8")
    car = Sidecar.load(picture)
    assert car.rating == 1 and car.digest == ""


# --- for ever ------------------------------------------------------------------------------------------------------------------


def test_new_weights_wait_for_an_update(picture: Path, learned: Any) -> None:
    car = Sidecar(picture, Recipe.default().swap("exposure_learned"))
    assert car.recipe is not None
    car.pin(car.recipe, {"exposure": Reading({"guess": 1.0})})
    learned.digest = "old"
    car.weights = {}
    car.save()
    learned.digest = "new"
    back = Sidecar.load(picture)
    assert back.recipe is not None
    assert [str(o) for o in back.outdated()] == [
        "exposure was made by exposure_learned with weights old, now it is new"
    ]
    assert back.pinned(back.recipe) == {"exposure": Reading({"guess": 1.0})}
    back.rating = 5
    back.save()
    assert [o.saved for o in Sidecar.load(picture).outdated()] == ["old"], "saving is not updating"
    back.update()
    back.save()
    assert Sidecar.load(picture).outdated() == [] and Sidecar.load(picture).readings == {}


def test_missing_stages_are_named_and_kept(picture: Path, learned: type[Stage]) -> None:
    Sidecar(picture, Recipe.default().swap("exposure_learned")).save()
    text = json.loads(beside(picture).read_text("utf-8"))
    del Stage.registry["exposure_learned"]
    car = Sidecar.load(picture)
    assert [(o.entry, o.what, o.present) for o in car.outdated()] == [("exposure", "stage", "")]
    car.label = "red"
    car.save()
    assert json.loads(beside(picture).read_text("utf-8"))["recipe"] == text["recipe"]


def test_an_older_version_is_named(picture: Path, learned: type[Stage]) -> None:
    Sidecar(picture, Recipe.default().swap("exposure_learned")).save()
    text = beside(picture).read_text("utf-8")
    beside(picture).write_text(text.replace('"version": 2', '"version": 1'), "utf-8")
    found = {o.entry: (o.what, o.saved, o.present) for o in Sidecar.load(picture).outdated()}
    assert found["exposure"] == ("version", "1", "2")


def test_readings_hold_only_for_what_they_were_measured_by(learned: type[Stage]) -> None:
    recipe = Recipe.default().swap("exposure_learned")
    reading = Reading({"guess": 1.0})
    data = json.loads(json.dumps(dump_readings(recipe, {"exposure": reading})))
    assert pinned(recipe, data) == {"exposure": reading}
    assert pinned(recipe.set("exposure", ev=1.0), data) == {"exposure": reading}, "it does not measure by ev"
    assert pinned(recipe.set("exposure", mode="b"), data) == {}
    assert pinned(recipe.swap("exposure"), data) == {}
    older = {"exposure": data["exposure"] | {"version": 1}}
    assert pinned(recipe, older) == {}


def test_a_recipe_of_another_camera_goes_along(picture: Path) -> None:
    Sidecar(picture, Recipe.default(Metadata(cfa=("W",)))).save()
    assert Sidecar.load(picture).recipe == Recipe.default(Metadata(cfa=("W",)))


def test_copies_lie_inside_and_live_for_themselves(picture: Path) -> None:
    car = edited(picture, 1.0)
    copy = car.add_copy(car)
    assert copy.recipe == car.recipe and copy.number == 1 and car.add_copy(copy).number == 2
    assert copy.recipe is not None
    copy.recipe, copy.rating, copy.extra = copy.recipe.set("exposure", ev=-1.0), 3, {"later": 1}
    car.save()
    back = Sidecar.load(picture)
    assert [c.number for c in back.copies] == [1, 2] and back.version(0) is back
    one = back.version(1)
    assert one.recipe is not None and one.recipe["exposure"].values()["ev"] == -1.0
    assert one.rating == 3 and one.extra == {"later": 1} and back.rating == car.rating
    back.remove_copy(2)
    back.save()
    assert [c.number for c in Sidecar.load(picture).copies] == [1]
    with pytest.raises(KeyError):
        back.version(7)


def test_a_copy_alone_is_worth_a_file(picture: Path) -> None:
    car = Sidecar(picture)
    car.add_copy(Sidecar(picture, Recipe.default()))
    assert car.touched and car.save() is not None
    assert Sidecar.load(picture).recipe is None and len(Sidecar.load(picture).copies) == 1


def test_a_newer_format_is_said_and_kept(picture: Path) -> None:
    edited(picture).save()
    data = json.loads(beside(picture).read_text("utf-8")) | {"format": 99, "new": {"thing": 1}}
    beside(picture).write_text(json.dumps(data), "utf-8")
    car = Sidecar.load(picture)
    assert car.newer and not car.problem and car.recipe is not None
    car.rating = 2
    car.save()
    kept = json.loads(beside(picture).read_text("utf-8"))
    assert kept["format"] == 99 and kept["new"] == {"thing": 1} and kept["rating"] == 2


def test_a_full_disk_sends_it_home(picture: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import modisp.sidecar

    real = modisp.sidecar.replacing

    def refuse(path: Path) -> Any:
        if path.parent == picture.parent:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path)

    monkeypatch.setattr(modisp.sidecar, "replacing", refuse)
    where = edited(picture).save()
    assert where is not None and where.parent == home / "sidecars"
    assert Sidecar.load(picture).recipe == edited(picture).recipe


def test_only_pictures_of_a_fitting_size_are_hashed(picture: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import modisp.sidecar

    edited(picture).save()
    (home / "sidecars").mkdir(parents=True)
    shutil.move(beside(picture), home / "sidecars" / f"{digest_of(picture)}.modisp")
    other = picture.with_name("other.dng")
    other.write_bytes(picture.read_bytes() + b"x")
    hashed: list[Path] = []
    monkeypatch.setattr(modisp.sidecar, "digest_of", lambda p: hashed.append(p) or digest_of(p))
    assert Sidecar.load(other).recipe is None and not hashed
    assert Sidecar.load(picture).recipe == edited(picture).recipe and hashed == [picture]
