"""tinylm.recipes: a model is trained anew where anything that made it changed, and only there."""

import importlib.util
import shutil
import sys
import types

import pytest

from tinylm import base, checkpoints, recipes

NOTEBOOK = """
import functools
from tinylm import packing, pretraining as training
from tinylm.world import World
lr = 1
other = 5
world = World(0, 8)
class Part:
    def run(self): return 3
    @staticmethod
    def alone(): return 13
    @property
    def seen(self): return 17
@functools.cache
def kept(): return 19
def unused(): return 7
def helper():
    def nested(inner): return inner * 1
    return nested(lr + 1)
def train():
    from tinylm import recall
    return helper(), kept(), Part, training.train, world
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    """A function that makes a module of a text, as a notebook would be one."""

    def load_source(source: str) -> types.ModuleType:
        name = f"notebook_{len(list(tmp_path.glob('*.py')))}"
        path = tmp_path / f"{name}.py"
        path.write_text(source)
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load_source


@pytest.fixture
def recipe_of(load):
    """The fingerprint of a recipe whose `train` stands in a notebook of this text."""
    return lambda source: recipes.fingerprint(load(source).train, {})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("lr = 1", "lr = 2"),
        ("lr + 1", "lr + 2"),
        ("inner * 1", "inner * 2"),
        ("return 3", "return 4"),
        ("return 13", "return 14"),
        ("return 17", "return 18"),
        ("return 19", "return 20"),
        ("train():", "train(): "),
    ],
    ids=[
        "a constant",
        "a helper",
        "a function inside",
        "a method",
        "a static method",
        "a property",
        "a helper that keeps its result",
        "train itself",
    ],
)
def test_editing_what_a_training_function_uses_trains_anew(recipe_of, before, after):
    assert before in NOTEBOOK
    assert recipe_of(NOTEBOOK.replace(before, after)) != recipe_of(NOTEBOOK)


def test_editing_what_it_does_not_use_changes_nothing(recipe_of):
    edited = NOTEBOOK.replace("other = 5", "other = 6").replace("return 7", "return 8")
    assert recipe_of(edited) == recipe_of(NOTEBOOK)


@pytest.mark.parametrize(
    ("module", "counts"),
    [
        ("pretraining", True),  # named
        ("world/words", True),  # behind an object
        ("recall", True),  # imported inside
        ("transformer", True),  # imported by what is named
        ("pretraining_command", False),  # imported only by the program
        ("packing", False),  # imported beside it and not used
        ("figures", False),
        ("live/panel", False),
    ],
)
def test_a_change_in_the_library_trains_anew_where_training_can_reach_it(
    recipe_of, tmp_path, monkeypatch, module, counts
):
    library = tmp_path / "library"
    shutil.copytree(recipes.LIBRARY, library)
    monkeypatch.setattr(recipes, "LIBRARY", library)
    before = recipe_of(NOTEBOOK)
    with (library / f"{module}.py").open("a") as file:
        file.write("# changed")
    assert (recipe_of(NOTEBOOK) != before) == counts


def test_the_whole_library_by_its_name_reaches_what_is_named(load):
    source = "import tinylm\ndef train(): return tinylm.recall.phone_books\n"
    assert "tinylm.recall" in recipes._reachable(recipes._written(load(source).train)[1])


def test_the_base_model_depends_on_its_world_and_not_on_the_chapters():
    found = recipes._reachable(recipes._written(checkpoints._train_base)[1])
    assert {"tinylm.base", "tinylm.world.genres.people", "tinylm.packing", "tinylm.attention"} <= found
    assert found.isdisjoint(
        {"tinylm.decoding", "tinylm.recall", "tinylm.claims", "tinylm.live", "tinylm.hub"}
    )


def test_other_arguments_are_another_recipe():
    prints = {recipes.fingerprint(base.train, arguments) for arguments in ({}, {"seed": 0}, {"seed": 1})}
    assert len(prints) == 3


def test_a_default_of_a_dataclass_counts_and_what_dataclass_adds_needs_no_source(recipe_of):
    source = (
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 1\ndef train(): return A()\n"
    )
    assert recipe_of(source) != recipe_of(source.replace("= 1", "= 2"))
