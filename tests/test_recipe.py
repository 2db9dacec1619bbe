"""Recipes: composition, values, looks, saving, and what an older or newer program makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modisp.image import Image, Metadata, State
from modisp.recipe import Entry, Look, Recipe
from modisp.stage import Parts, Reading, Stage, list_stages, param


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    before = list_stages()
    yield
    Stage.registry.clear()
    Stage.registry.update(before)


def test_the_default_composes_for_every_kind_of_source() -> None:
    assert Recipe.default().entries[-1].stage.name == "output"
    xtrans = Recipe.default(Metadata(cfa=("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG")))
    assert xtrans["demosaic"].name == "demosaic"
    strange = Recipe.default(Metadata(cfa=("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGRG")))
    assert strange["demosaic"].name == "demosaic_xtrans"  # which needs no weights for a pattern
    linear = Image(torch.rand(3, 8, 8), State.CAMERA, Metadata(cfa=()))
    assert Recipe.default(linear).fit(linear).entries[0].slot == "defects"
    picture = Recipe.default(Image(torch.rand(3, 4, 4), State.ENCODED))
    assert picture.entries[0].slot == "input"


def test_states_must_compose() -> None:
    s = list_stages()
    with pytest.raises(TypeError, match="white_balance reads CAMERA, but defects before it writes MOSAIC"):
        Recipe((Entry("a", s["defects"]()), Entry("b", s["white_balance"]())))


def test_set_names_what_is_wrong() -> None:
    r = Recipe.default()
    assert r.set("exposure", ev=1.5)["exposure"].values()["ev"] == 1.5
    with pytest.raises(ValueError, match="exposure has no parameter brightness"):
        r.set("exposure", brightness=1)
    with pytest.raises(ValueError, match=r"exposure.ev lies in"):
        r.set("exposure", ev=99)
    with pytest.raises(ValueError, match="the recipe has no colour"):
        r.set("colour", ev=1)


def test_swap_keeps_what_means_the_same() -> None:
    r = Recipe.default().swap("demosaic_bilinear")
    assert r["demosaic"].name == "demosaic_bilinear"
    assert r.diff(Recipe.default()) == [("demosaic", "stage", "demosaic_bilinear", "demosaic")]
    with pytest.raises(ValueError, match="there is no stage called nothing"):
        r.swap("nothing")


def test_a_joint_stage_takes_two_slots_and_gives_them_back() -> None:
    class Joint(Stage, slot="restore demosaic", reads=State.MOSAIC, writes=State.CAMERA, name="joint"):
        """One network for both."""

        def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
            return image.pixels.expand(3, -1, -1).clone()

    r = Recipe.default().swap(Joint)
    assert "demosaic_malvar" not in [e.stage.name for e in r.entries]
    assert [e.id for e in r.entries][:3] == ["defects", "restore", "highlights"]
    assert r["demosaic"].name == "joint"
    back = r.swap("demosaic_malvar")
    assert [e.slot for e in back.entries] == [e.slot for e in Recipe.default().entries]


def test_a_switch_is_for_stages_that_keep_the_state() -> None:
    off = Recipe.default().switch("look", False)
    assert [e.id for e in off.entries if not e.on] == ["look"]
    with pytest.raises(ValueError, match="demosaic turns MOSAIC into CAMERA and has no switch"):
        Recipe.default().switch("demosaic", False)


def test_many_entries_of_one_slot() -> None:
    class Local(Stage, slot="local", reads=State.DISPLAY, writes=State.DISPLAY, many=True, name="local"):
        """Several may lie over each other."""

        def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
            return image.pixels

    r = Recipe.default().add(Local(), after="look").add(Local(), after="look")
    assert [e.id for e in r.entries if e.slot == "local"] == ["local-2", "local"]
    assert Recipe.load(json.loads(json.dumps(r.dump()))) == r
    with pytest.raises(ValueError, match="only once"):
        r.add(list_stages()["look"](), after="look")
    assert r.remove("local").remove("local-2") == Recipe.default()


def test_looks_compose_round_the_users_own_values() -> None:
    look = Look("a", {"tone": {"contrast": 0.4}}, 0.5)
    assert Recipe.default().with_looks([look]).resolve()["tone"].values()["contrast"] == pytest.approx(0.2)
    own = Recipe.default().set("tone", contrast=0.1).with_looks([look]).resolve()
    assert own["tone"].values()["contrast"] == pytest.approx(0.3)
    assert Recipe.default().with_looks([Look("a", look.values, 0.0)]).resolve() == Recipe.default().resolve()
    part = Look("a", look.values, 1.0, {"tone": 0.25})
    assert Recipe.default().with_looks([part]).resolve()["tone"].values()["contrast"] == pytest.approx(0.1)


def test_what_a_newer_program_wrote_is_kept() -> None:
    data = Recipe.default().set("exposure", ev=1.0).dump()
    data["entries"][7]["values"]["sparkle"] = 3
    data["entries"][7]["comment"] = "mine"
    data["entries"].insert(10, {"id": "glow", "stage": "glow", "slot": "glow", "version": 4, "values": {"x": 1}})
    data["later"] = {"a": 1}
    r = Recipe.load(data)
    assert r.dump() == data and r.missing == ("glow",)
    assert [e.id for e in r.resolve().entries] == [e.id for e in Recipe.default().entries]
    with pytest.raises(ValueError, match="glow is not installed here"):
        r.set("glow", x=2)


def test_a_changed_default_is_a_migration() -> None:
    class Old(Stage, slot="look", reads=State.DISPLAY, writes=State.DISPLAY, version=2, name="old"):
        """Its amount was called strength, in per cent, in version 1."""

        amount: float = param(0.0, 0.0, 1.0, help="how much")

        def process(self, image: Image, reading: Reading, parts: Parts) -> torch.Tensor:
            return image.pixels

        @classmethod
        def migrate(cls, version: int, values: dict[str, float]) -> dict[str, float]:
            return {"amount": values["strength"] / 100}

    r = Recipe.load({"entries": [{"id": "look", "stage": "old", "version": 1, "values": {"strength": 40}}]})
    assert r["look"].values() == {"amount": 0.4}


@pytest.mark.parametrize(
    "data", [None, {}, {"entries": 3}, {"entries": [{}]}, {"entries": [3]}, {"entries": [{"id": "a"}]}]
)
def test_damaged_recipes_say_so(data: object) -> None:
    with pytest.raises(ValueError, match=r"recipe"):
        Recipe.load(data)  # type: ignore[arg-type]


@given(ev=st.floats(-5, 5), contrast=st.floats(-1, 1), strength=st.floats(0, 1), name=st.text(max_size=30))
def test_dump_and_load_are_inverse(ev: float, contrast: float, strength: float, name: str) -> None:
    r = Recipe.default().set("exposure", ev=ev).set("tone", contrast=contrast)
    r = r.with_looks([Look(name, {"tone": {"contrast": 0.2}}, strength)])
    assert Recipe.load(json.loads(json.dumps(r.dump()))) == r


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["format", "entries", "looks", "x"]), json_like))
def test_any_json_is_a_recipe_or_a_sentence(data: dict[str, object]) -> None:
    try:
        Recipe.load(data)
    except (ValueError, TypeError) as e:
        assert str(e)
