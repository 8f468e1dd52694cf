"""Whatever the OpenAPI lets anybody ask, and whatever it does not: never a 500, and what is answered is what it says."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.proofs import proof_size
from tests.server.conftest import Api
from tests.world import World, message

_CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip


@pytest.mark.proof
@pytest.mark.parametrize("role", ["admin", None])
async def test_every_operation_answers_as_it_is_described(
    api: Api, world: World, role: str | None, record_property: Callable[[str, object], None]
) -> None:
    """Generated requests, right and wrong ones, with the key of somebody who may do everything, and with none."""
    world.customer(segment="draft")
    await world.asked(message())
    loop, cases = asyncio.get_running_loop(), 0

    async def send(asked: dict[str, Any]) -> schemathesis.Response:
        written = requests.Request(**asked).prepare()
        headers = {name: str(value) for name, value in written.headers.items()}
        headers |= api.headers(role) if role else {}
        body: Any = written.body
        answer = await api.client.request(
            str(written.method), str(written.url), content=body, headers=headers
        )
        return schemathesis.Response.from_any(answer)

    def attack(operation: Any) -> None:
        # Its shrinking asks hundreds of requests more; the label and the case say enough.
        @settings(
            max_examples=proof_size(test=3, prove=100), phases=[Phase.generate], deadline=None, database=None,
            suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
        )  # fmt: skip
        @given(operation.as_strategy())
        def ask(case: Any) -> None:
            nonlocal cases
            cases += 1
            asked = case.as_transport_kwargs(base_url=str(api.client.base_url))
            answer = asyncio.run_coroutine_threadsafe(send(asked), loop).result(60)
            case.validate_response(answer, checks=_CHECKS)

        ask()

    def attack_all() -> None:
        for found in schemathesis.openapi.from_dict(api.app.openapi()).get_all_operations():
            assert isinstance(found, Ok), found
            attack(found.ok())

    await asyncio.to_thread(attack_all)
    record_property("cases", cases)
    assert await world.chain_holds()
    assert world.without_decision() == []
