"""Maps in files: what is read, how predictions are named, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.evaluation.map_files import (
    Declared,
    axes_of,
    map_folder,
    read_map,
    real_numbers,
    turned,
    vectors,
    whole_numbers,
)
from ehpsbench.pictures import orient

WHERE = Path("map.png")
VALUES = np.arange(12).reshape(3, 4)


def saved(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values) if path.suffix == ".npy" else Image.fromarray(values).save(path)
    return path


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8", "?"])
def test_npy_and_png_hold_their_values(tmp_path: Path, dtype: str) -> None:
    values = VALUES.astype(dtype)
    if dtype == "u2":
        values *= 5000
    np.testing.assert_array_equal(read_map(saved(tmp_path / "a.npy", values)), values)
    if dtype in ("u1", "u2", "?"):
        np.testing.assert_array_equal(read_map(saved(tmp_path / "a.png", values)), values)


def test_a_palette_png_holds_labels_and_an_rgba_png_three_colours(tmp_path: Path) -> None:
    picture = Image.fromarray(VALUES.astype("u1"), "L").convert("P")
    picture.putpalette([7, 7, 7] * 256)
    picture.putdata(VALUES.reshape(-1).tolist())
    picture.save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_map(tmp_path / "p.png"), VALUES)
    assert read_map(saved(tmp_path / "c.png", np.zeros((2, 3, 4), "u1"))).shape == (2, 3, 3)


@pytest.mark.parametrize("code", range(1, 9))
def test_a_map_is_turned_as_a_picture_is(code: int) -> None:
    picture = np.asarray(orient(Image.fromarray(VALUES.astype("u1")), code))
    np.testing.assert_array_equal(turned(VALUES, code), picture)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFiles, match=r"b\.npy is not there"):
        read_map(tmp_path / "b.npy")
    for name in ("broken.npy", "broken.png"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\nnothing")
        with pytest.raises(InputError, match=f"{name} cannot be read"):
            read_map(tmp_path / name)
    np.save(tmp_path / "o.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read"):
        read_map(tmp_path / "o.npy")
    np.save(tmp_path / "t.npy", np.array(["a"]))
    with pytest.raises(InputError, match="must hold numbers"):
        read_map(tmp_path / "t.npy")
    (tmp_path / "a.exr").write_bytes(b"")
    with pytest.raises(InputError, match=r"OpenEXR.*16-bit"):
        read_map(tmp_path / "a.exr")


def test_labels_are_whole_and_depth_is_scaled() -> None:
    assert whole_numbers(VALUES.astype(float), WHERE).dtype == np.int64
    assert whole_numbers(VALUES[..., None] > 3, WHERE).tolist() == (VALUES > 3).tolist()
    with pytest.raises(InputError, match="whole numbers"):
        whole_numbers(VALUES / 2, WHERE)
    np.testing.assert_allclose(real_numbers(VALUES.astype("u2"), 0.001, WHERE), VALUES / 1000)
    with pytest.raises(InputError, match=r"one value a pixel.*\(3, 4, 3\)"):
        real_numbers(np.zeros((3, 4, 3)), 1.0, WHERE)


def test_normals_are_decoded_and_brought_to_the_axes_of_the_camera() -> None:
    colours = np.zeros((2, 2, 3), "u1")
    colours[0, 0] = [255, 0, 0]
    found = vectors(colours, "opencv", WHERE)
    assert found[:, 0, 0].tolist() == [1.0, -1.0, -1.0]
    assert not found[:, 1, 1].any()
    assert vectors(colours, "opengl", WHERE)[:, 0, 0].tolist() == [1.0, 1.0, 1.0]
    up = vectors(np.array([[[1.0, 2.0, 3.0]]]), "forward-left-up", WHERE)
    assert up[:, 0, 0].tolist() == [-2.0, -3.0, 1.0]
    deep = vectors(np.full((2, 4, 3), 65535, "u2"), "opencv", WHERE)
    assert (deep == 1).all()
    planes = np.arange(24.0).reshape(3, 2, 4)
    np.testing.assert_array_equal(vectors(planes, "opencv", WHERE), planes)


@pytest.mark.parametrize("name", ["right-down", "right-left-up", "x-y-z", ""])
def test_axes_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="names no axes"):
        axes_of(name)
    with pytest.raises(InputError, match=r"normals \(H, W, 3\)"):
        vectors(np.zeros((4, 4)), "opencv", WHERE)


IDS = ["made/test/a/0/1", "made/test/a/0/2", "made/test/b/0/1", "made/test/b/0/2"]
FILES = ["a/one.jpg", "a/two.jpg", "b/one.jpg", None]


def test_maps_are_found_by_image_id_by_path_and_by_a_name_that_is_unique(tmp_path: Path) -> None:
    wanted = ["made/test/a/0/1.npy", "two.npy", "b/one.png", "made__test__b__0__2.npy"]
    for name in wanted:
        saved(tmp_path / name, VALUES.astype("u1"))
    saved(tmp_path / "other.npy", VALUES)
    (tmp_path / "maps.toml").write_text('scale = 0.001\nspace = "disparity"\n')
    found = map_folder(tmp_path, IDS, FILES)
    assert [str(p.relative_to(tmp_path)) for p in found.files if p] == wanted
    assert found.unused == 1
    assert found.declared == Declared(scale=0.001, space="disparity")


def test_a_name_that_two_images_share_finds_none(tmp_path: Path) -> None:
    saved(tmp_path / "one.npy", VALUES)
    found = map_folder(tmp_path, IDS, FILES)
    assert (found.files, found.unused) == ((None,) * 4, 1)


def test_folders_that_cannot_be_meant_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFiles, match="expected in a folder"):
        map_folder(tmp_path / "none", IDS, FILES)
    with pytest.raises(MissingFiles, match="holds no maps"):
        map_folder(tmp_path, IDS, FILES)
    saved(tmp_path / "two.npy", VALUES)
    saved(tmp_path / "a" / "two.npy", VALUES)
    with pytest.raises(InputError, match=r"made/test/a/0/2 has the maps"):
        map_folder(tmp_path, IDS, FILES)
    saved(tmp_path / "two.png", VALUES.astype("u1"))
    with pytest.raises(InputError, match="maps of one image"):
        map_folder(tmp_path, IDS, FILES)
    (tmp_path / "two.exr").write_bytes(b"")
    with pytest.raises(InputError, match="OpenEXR"):
        map_folder(tmp_path, IDS, FILES)


def test_what_systems_leave_in_folders_is_no_map_and_other_files_are_named(tmp_path: Path) -> None:
    wanted = saved(tmp_path / "two.npy", VALUES)
    for name in ("Thumbs.db", ".DS_Store", "README", "readme.md", "__MACOSX/._two.npy"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\0")
    found = map_folder(tmp_path, IDS, FILES)
    assert (found.files[1], found.unused) == (wanted, 0)
    for name in ("log.txt", "preview.gif"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=r"log\.txt is no map .*Of 2 such files, .*preview\.gif"):
        map_folder(tmp_path, IDS, FILES)


@pytest.mark.parametrize("text", ["scale = 0", 'space = "log"', "unit = 1"])
def test_a_declaration_that_is_not_valid_is_refused(tmp_path: Path, text: str) -> None:
    saved(tmp_path / "two.npy", VALUES)
    (tmp_path / "maps.toml").write_text(text)
    with pytest.raises(InputError, match=r"maps\.toml is not a valid declaration"):
        map_folder(tmp_path, IDS, FILES)
