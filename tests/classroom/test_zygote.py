"""classroom.zygote: what a learner leaves is measured and removed, whatever it is."""

import os
import subprocess
import sys
import time

import pytest

from classroom import sandbox, zygote


def test_the_size_of_a_folder_is_that_of_its_files(tmp_path):
    assert zygote.size_of(str(tmp_path), 1 << 30) == 0
    (tmp_path / "a").write_bytes(bytes(10_000))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_bytes(bytes(20_000))
    assert 30_000 <= zygote.size_of(str(tmp_path), 1 << 30) <= 50_000


def test_an_empty_file_counts_and_much_is_not_counted_to_its_end(tmp_path):
    for number in range(100):
        (tmp_path / str(number)).touch()
    assert zygote.size_of(str(tmp_path), 1 << 30) == 100 * zygote.PAGE
    assert zygote.size_of(str(tmp_path), 10_000) < 10_000 + 2 * zygote.PAGE


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "link").symlink_to("/usr")
    assert zygote.size_of(str(tmp_path), 1 << 30) == zygote.PAGE
    sandbox.remove(str(tmp_path))
    assert os.path.isdir("/usr/lib")


def deep(folder, depth: int) -> None:
    subprocess.run(
        [sys.executable, "-c", f"import os\nfor _ in range({depth}):\n    os.mkdir('d')\n    os.chdir('d')"],
        cwd=folder,
        check=True,
    )


@pytest.mark.parametrize("depth", [1500, 5000])
def test_folders_in_folders_count_as_too_much_and_are_removed(tmp_path, depth):
    made = tmp_path / "made"
    made.mkdir()
    deep(made, depth)
    assert zygote.size_of(str(made), 1 << 20) > 1 << 20
    sandbox.remove(str(made))
    assert not made.exists()


def test_what_may_not_be_looked_into_counts_as_too_much_and_is_removed(tmp_path):
    made = tmp_path / "made"
    (made / "d" / "e").mkdir(parents=True)
    (made / "d" / "e" / "file").touch()
    (made / "d" / "e").chmod(0o300)
    (made / "d").chmod(0o300)
    if os.geteuid():  # root may look everywhere
        assert zygote.size_of(str(made), 1 << 20) > 1 << 20
    sandbox.remove(str(made))
    assert not made.exists()


def test_the_family_of_a_process_is_all_that_is_below_it():
    with subprocess.Popen(["sh", "-c", "sleep 100 & sleep 100 & wait"]) as parent:
        for _ in range(100):
            if len(zygote.family_of(parent.pid)) == 2:
                break
            time.sleep(0.02)
        family = zygote.family_of(parent.pid)
        assert len(family) == 2
        assert zygote.resident(family[0]) > 0
        for process in family:
            os.kill(process, 9)
    assert zygote.family_of(parent.pid) == []
    assert zygote.resident(parent.pid) == 0


def test_a_module_that_cannot_be_imported_is_left_to_the_cell_that_needs_it():
    zygote.import_all(["no_such_module_at_all", "colorsys"])
    assert "colorsys" in sys.modules
