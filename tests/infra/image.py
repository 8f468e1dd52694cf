"""infra/Dockerfile and infra/compose.yaml as a container engine reads them; there is none here to do it."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # it ships no types

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "infra" / "Dockerfile"
COMPOSE: Mapping[str, Any] = yaml.safe_load((ROOT / "infra" / "compose.yaml").read_text("utf-8"))
_VENV, _SOURCE = "/venv", "/src"


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with what it is given; a line that goes on is one."""
    lines = [line for line in DOCKERFILE.read_text("utf-8").splitlines() if not line.startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for line in whole.splitlines() if line for word, _, rest in [line.partition(" ")]]


def given(word: str) -> list[str]:
    """What every instruction of one kind is given."""
    return [rest for found, rest in instructions() if found == word]


def context() -> list[Path]:
    """The files that .dockerignore lets through to the builder: those whose first folder or name it takes back."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    wanted = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [
        Path(name) for name in names if name and Path(name).parts[0] in wanted and (ROOT / name).is_file()
    ]


@dataclass(frozen=True, slots=True)
class Image:
    """What the Dockerfile makes, with its virtual environment in another place."""

    venv: Path

    def environment(self, **more: str) -> dict[str, str]:
        """The image's environment, and nothing of ours."""
        own = dict(part.split("=", 1) for part in shlex.split(" ".join(given("ENV"))))
        own["PATH"] = own["PATH"].replace(f"{_VENV}/bin", str(self.venv / "bin"))
        return {"HOME": "/nonexistent", **own, **more}

    def command(self, service: str) -> list[str]:
        """How a service of compose.yaml is started: the image's entry point, and the service's words or the image's."""
        [entry], [words] = given("ENTRYPOINT"), given("CMD")
        program, *rest = json.loads(entry)
        return [
            str(self.venv / "bin" / program),
            *rest,
            *COMPOSE["services"][service].get("command", json.loads(words)),
        ]


def _build_stage() -> list[str]:
    """What the first stage runs."""
    stages = [n for n, (word, _) in enumerate(instructions()) if word == "FROM"]
    return [rest for word, rest in instructions()[stages[0] : stages[1]] if word == "RUN"]


def build(folder: Path) -> Image:
    """Run the steps of the build stage in `folder`, as they stand but for its places."""
    source, venv, programs = folder / "src", folder / "venv", folder / "bin"
    source.mkdir()
    programs.mkdir()
    (programs / "python").symlink_to(getattr(sys, "_base_executable", sys.executable))
    for file in context():
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        (source / file).write_bytes((ROOT / file).read_bytes())
    path = {"PATH": f"{programs}:{os.environ['PATH']}"}
    for step in _build_stage():
        here = step.replace(_VENV, str(venv)).replace(_SOURCE, str(source))
        subprocess.run(["/bin/sh", "-c", here], cwd=source, env={**os.environ, **path}, check=True)
    return Image(venv)
