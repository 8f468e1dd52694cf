"""Look: the tool `read_customer_risk` and what it answers."""

from typing import Literal

from pydantic import ConfigDict, Field

from tools.spec import ToolArgs

Horizon = Literal["late_0d", "late_7d", "late_15d", "late_30d"]


class ReadCustomerRisk(ToolArgs):
    """Read this customer's risk before you decide how to approach them.

    Answers tier, probability of paying late with its drivers, exposure and aging, promise history,
    utilisation of the credit limit, open disputes and holds, and a recommended next action. Changes nothing.
    """

    model_config = ConfigDict(title="read_customer_risk")
    horizon: Horizon = Field(
        description="How late counts as late: more than 0, 7, 15 or 30 days after the due date."
    )
