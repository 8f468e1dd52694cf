"""The harness with the real channels: the promises hold, and every request of the SDKs is as the providers describe it."""

import json
from pathlib import Path
from typing import Any

import pytest

from evals.chaos.campaign import wage
from evals.chaos.run import Terms
from evals.providers.loopback import Answer, Request
from evals.providers.sendgrid import FakeSendGrid
from evals.providers.twilio import FakeTwilio
from tests.contracts import test_sendgrid_spec as sendgrid
from tests.contracts import test_twilio_spec as twilio
from tests.contracts.descriptions import defects, described


def test_a_run_with_real_channels_breaks_no_promise_and_no_description(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The processes of the run are forked from this one: what is wrapped here is wrapped there."""
    texts = _written_down(FakeTwilio, tmp_path / "texts", "/2010-04-01", monkeypatch)
    mails = _written_down(FakeSendGrid, tmp_path / "mails", "/v3/", monkeypatch)

    [result], _ = wage([Terms(0, "fate.heeded", providers="twilio-sendgrid")], side_by_side=1)

    assert result.violations == []
    assert result.kills_at["fate.heeded"] > 0
    asked = _requests(texts)
    assert {one.method for one in asked} >= {"POST"}
    assert [defects(described(twilio.FILE, twilio.PATHS), one, twilio.HOST) for one in asked] == [[]] * len(asked)  # fmt: skip
    asked = _requests(mails)
    assert {one.method for one in asked} == {"POST"}
    assert [defects(described(sendgrid.FILE, [sendgrid.PATH]), one, sendgrid.HOST) for one in asked] == [[]] * len(asked)  # fmt: skip


def _written_down(fake: type[Any], file: Path, under: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    answer = fake._answer

    async def write_down(self: Any, request: Request) -> Answer | None:
        if request.path.startswith(under):
            with file.open("a", encoding="utf-8") as out:
                out.write(json.dumps([request.method, request.target, dict(request.headers), request.body.decode()]) + "\n")  # fmt: skip
        said: Answer | None = await answer(self, request)
        return said

    monkeypatch.setattr(fake, "_answer", write_down)
    return file


def _requests(file: Path) -> list[Request]:
    lines = (json.loads(line) for line in file.read_text("utf-8").splitlines())
    return [Request(method, target, headers, body.encode()) for method, target, headers, body in lines]
