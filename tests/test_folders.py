"""tinylm.folders: a folder is there whole or not at all, and a changed file is named."""

import pytest

from tinylm.folders import check_seal, seal, swapped_in


def write_until_the_disk_is_full(place):
    with swapped_in(place) as aside:
        (aside / "second").write_text("two")
        raise OSError("the disk is full")


def test_a_folder_takes_the_place_of_the_old_one_only_when_it_is_complete(tmp_path):
    place = tmp_path / "model"
    with swapped_in(place) as aside:
        (aside / "first").write_text("one")
        assert not place.exists()
    with pytest.raises(OSError, match="full"):
        write_until_the_disk_is_full(place)
    assert [path.name for path in place.iterdir()] == ["first"]
    with swapped_in(place) as aside:
        (aside / "third").write_text("three")
    assert [path.name for path in place.iterdir()] == ["third"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"], "something was left behind"


def test_a_seal_names_the_files_and_says_which_of_them_changed(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    seal(tmp_path)
    assert check_seal(tmp_path) == ["a", "b"]
    (tmp_path / "b").write_text("c")
    with pytest.raises(ValueError, match=r"^b changed since saved"):
        check_seal(tmp_path)
