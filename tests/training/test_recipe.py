"""Recipes: read, refused, hashed."""

import pytest

from ehpsbench.errors import InputError, UnknownName
from ehpsbench.training.recipe import FOLDER, names, recipe


@pytest.mark.parametrize("name", names())
def test_every_recipe_that_comes_along_is_valid_and_named_as_its_file(name):
    assert recipe(name).name == name


def test_an_unknown_recipe_is_met_with_the_nearest_name():
    with pytest.raises(UnknownName, match="Did you mean micro"):
        recipe("mikro")


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("dim = 96", "dim = 98", "multiple of heads"),
        ("height = 64", "height = 60", "multiple of patch"),
        ("heads = 4", "heads = 4\nhats = 2", "hats"),
        ("[32, 64]", "[32]", "needs 2 stem_channels"),
        ("[input]", "[input", "not a valid recipe"),
    ],
)
def test_a_recipe_with_a_fault_is_refused_by_name(tmp_path, old, new, word):
    path = tmp_path / "mine.toml"
    path.write_text((FOLDER / "micro-cpu.toml").read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=word):
        recipe(path)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("dim = 1280", "dim = 768", r"no weights of .*vitpose.* 768/32/16; .* 768/12/12"),
        ("heads = 16", "heads = 20", r"no weights .* 1280/32/20; .* 1280/32/16"),
        ('"vitpose"', '"dinov2"', r"no weights of .*dinov2.* there are for 384/12/6"),
        ('normalise = "imagenet"', "", r'needs normalise = "imagenet": its weights'),
        ("heads = 16", "heads = 16\nmlp_ratio = 2", "needs mlp_ratio = 4"),
        ("decoder_depth = 6", "", "needs a decoder"),
        ('decoder_queries = "tokens_and_image"', "", "decoder_head_dim goes with"),
        ("lr = 1e-5", "lr = 1e-7", "min_lr 1e-06 is above lr 1e-07"),
        ("min_lr = 1e-6", "min_lr = 1e-6\nwarmup_samples = 150000000", "not below the budget"),
        ('"smplest-x"', '"smpler-x"', "its own tokens and no decoder"),
    ],
)
def test_a_published_recipe_that_contradicts_itself_is_refused_in_words(tmp_path, old, new, word):
    path = tmp_path / "mine.toml"
    text = (FOLDER / "foundation.toml").read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=word):
        recipe(path)


def test_the_hash_follows_the_content_and_not_the_prose(tmp_path):
    text = (FOLDER / "micro-cpu.toml").read_text()
    for name, old, new in [("prose", "miniature", "a thimble"), ("lr", "lr = 3e-3", "lr = 1e-3")]:
        (tmp_path / f"{name}.toml").write_text(text.replace(old, new))
    assert recipe(tmp_path / "prose.toml").hash == recipe("micro-cpu").hash
    assert recipe(tmp_path / "lr.toml").hash != recipe("micro-cpu").hash
