"""A decision that is refused changes nothing."""

from typing import Any

import pytest

from agent.approvals import decide
from agent.approvals.model import User
from agent.engine.run import Engine
from tests.world import (
    World,
)
from tools.errors import (
    CollectionsError,
)


async def refused(
    engine: Engine, world: World, approval_id: str, user: User, **given: Any
) -> CollectionsError:
    """The error that this decision comes to; it leaves the approval as it is."""
    before = world.sql("SELECT to_jsonb(a) FROM approval a ORDER BY id"), world.effects(), world.checkpoints()
    with pytest.raises(CollectionsError) as told:
        await decide.decide(engine, approval_id, await world.decision(approval_id, **given), user)
    after = world.sql("SELECT to_jsonb(a) FROM approval a ORDER BY id"), world.effects(), world.checkpoints()
    assert after == before
    return told.value
