"""An embedded server of the test's own, which it may stop, kill and fill up."""

import itertools
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from server.embedded import ensure_running, status, stop
from tests.server.conftest import Api, api, policy_text  # noqa: F401 - a fixture is known by being here
from tests.world import World, open_beside

_SMALL = 176 * 2**20  # a new cluster, a migrated database and a few segments of its log


@dataclass(frozen=True, slots=True)
class Home:
    """The data folder of an embedded server."""

    data_dir: Path

    def start(self) -> str:
        """The server runs; how the application logs in."""
        return ensure_running(self.data_dir).app_conninfo()

    def stop(self) -> None:
        """The server is stopped in order."""
        stop(self.data_dir)

    def kill(self) -> None:
        """The server is killed: nothing was written or closed in order."""
        process = psutil.Process(status(self.data_dir).pid)
        process.kill()

    def fill(self) -> Path:
        """Not one more block fits on the disk; the file that takes the room."""
        filler = self.data_dir.parent / "filler"
        with filler.open("wb", buffering=0) as file:
            block = bytes(2**16)
            with pytest.raises(OSError, match="No space left on device"):
                file.writelines(itertools.repeat(block))
        return filler


@contextmanager
def connected_again(world: World) -> Iterator[None]:
    """The world's own connection, which the fault cut, is a new one in this block."""
    with open_beside(world.conninfo) as world.beside:
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the data folder is."""
    return tmp_path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that is a small file system of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_SMALL},mode=0755", "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"a disk to fill needs the right to mount one: {mounted.stderr.strip()}")
    yield place
    stop(place / "data")
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def home(make_data_dir: Callable[[Path], None], folder: Path) -> Iterator[Home]:
    """A migrated database on a running server."""
    found = Home(folder / "data")
    make_data_dir(found.data_dir)
    found.start()
    yield found
    found.stop()
    shutil.rmtree(found.data_dir)
