"""The agent's whole surface, one tool a line: look, speak, wait, record."""

from tools.activity.log_collection_activity import LogCollectionActivity
from tools.dunning.generate_dunning_message import GenerateDunningMessage
from tools.followups.schedule_follow_up import ScheduleFollowUp
from tools.risk.read_customer_risk import ReadCustomerRisk
from tools.spec import Effect, ToolSpec

TOOLS = (
    ToolSpec("read_customer_risk", ReadCustomerRisk, Effect.READ),
    ToolSpec("generate_dunning_message", GenerateDunningMessage, Effect.WRITE),
    ToolSpec("schedule_follow_up", ScheduleFollowUp, Effect.WRITE),
    ToolSpec("log_collection_activity", LogCollectionActivity, Effect.WRITE),
)
