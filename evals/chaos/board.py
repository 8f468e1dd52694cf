"""What the processes of a run share: their clock, and how often each failpoint was reached and killed at."""

import mmap
import os
import signal
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tools import failpoints
from tools.clock import SystemClock

_SKEW = struct.Struct("d")
_COUNT = struct.Struct("Q")


@dataclass(frozen=True, slots=True)
class Doom:
    """A process ends itself when it reaches `point` for the `hit`-th time."""

    point: str
    hit: int


class Board:
    """Memory that is shared with every process forked after it was made; what a killed one wrote stays."""

    def __init__(self, points: Sequence[str]) -> None:
        self._place = {name: n for n, name in enumerate(points)}
        self._memory = mmap.mmap(-1, _SKEW.size + 2 * _COUNT.size * len(points))

    @property
    def skew(self) -> float:
        """Seconds by which the run's clock is ahead of the machine's."""
        value: float = _SKEW.unpack_from(self._memory, 0)[0]
        return value

    @skew.setter
    def skew(self, seconds: float) -> None:
        _SKEW.pack_into(self._memory, 0, seconds)

    def hits(self) -> dict[str, int]:
        """How often each failpoint was reached, by all processes."""
        return {name: self._read(self._hit(n)) for name, n in self._place.items()}

    def kills(self) -> dict[str, int]:
        """How many processes ended at each failpoint."""
        return {name: self._read(self._kill(n)) for name, n in self._place.items()}

    def arm(self, doom: Doom | None) -> None:
        """Count the failpoints that this process reaches; end it, as `kill -9` does, at its doom."""
        left = doom.hit if doom else 0

        def reached(name: str) -> None:
            nonlocal left
            place = self._place.get(name)
            if place is None:
                return
            self._add(self._hit(place))
            if doom is not None and name == doom.point:
                left -= 1
                if left == 0:
                    self._add(self._kill(place))
                    os.kill(os.getpid(), signal.SIGKILL)

        failpoints.arm(reached)

    @staticmethod
    def _hit(place: int) -> int:
        return _SKEW.size + 2 * _COUNT.size * place

    def _kill(self, place: int) -> int:
        return self._hit(place) + _COUNT.size

    def _read(self, offset: int) -> int:
        value: int = _COUNT.unpack_from(self._memory, offset)[0]
        return value

    def _add(self, offset: int) -> None:
        # Two processes at once may lose a count, never invent one: the counts are "at least".
        _COUNT.pack_into(self._memory, offset, self._read(offset) + 1)


class RunClock:
    """The machine's clock, ahead by the board's skew: all processes of a run see a step of it at once."""

    def __init__(self, board: Board) -> None:
        self._board, self._clock = board, SystemClock()

    def now(self) -> datetime:
        """The run's present instant, aware, in UTC."""
        return self._clock.now() + timedelta(seconds=self._board.skew)

    def set(self, instant: datetime) -> None:
        """Let it be `instant` now."""
        self._board.skew = (instant - self._clock.now()).total_seconds()

    def step(self, seconds: float) -> None:
        """Jump forward, or back."""
        self._board.skew += seconds
