"""The JSON document that every model gets, as the offline model reads it. What is missing has a harmless default."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from langchain_core.messages import BaseMessage, HumanMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

Sum = Annotated[Decimal, Field(max_digits=18, decimal_places=4)]


class _Part(BaseModel):
    """Another version may send more than we read: fields that we do not know are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class DueFollowUp(_Part):
    """The follow-up that opened the episode."""

    kind: str
    reason: str = ""


class Rejected(_Part):
    """The action that a collector rejected."""

    tool: str
    args: Mapping[str, Any] = {}


class Task(_Part):
    """Why the episode was opened."""

    kind: Literal["inbound", "ladder", "follow_up", "ledger", "redraft", "request"]
    step: str | None = None
    channel: str | None = None
    message_id: int | None = None
    event: str | None = None
    follow_up: DueFollowUp | None = None
    note: str | None = None
    rejected: Rejected | None = None


class Bill(_Part):
    """One open invoice."""

    id: str
    number: str = ""
    days_past_due: int = 0
    balance: Sum = Decimal(0)
    overdue: bool = False
    disputed: bool = False
    held: bool = False
    payment_link: bool = False

    @property
    def collectible(self) -> bool:
        """Open and neither disputed nor held."""
        return self.balance > 0 and not self.disputed and not self.held


class KnownPromise(_Part):
    """A promise on file."""

    id: int | str
    amount: Sum = Decimal(0)
    due: date | None = None
    state: str = ""


class PlanPart(_Part):
    """One instalment of a plan."""

    on: date
    amount: Sum = Decimal(0)


class KnownPlan(_Part):
    """A plan on file: offered, approved, running."""

    id: str
    state: str = ""
    instalments: Sequence[PlanPart] = ()


class Template(_Part):
    """A reviewed template that may be named."""

    purpose: str
    tone: str = "service"
    channels: Sequence[str] = ("sms", "email")


class KnownHold(_Part):
    """A hold that was placed before this message."""

    reason: str


class AccountView(_Part):
    """What is owed, promised, planned and held."""

    language: str = "en"
    currency: str = "USD"
    channels: Sequence[str] = ()
    invoices: Sequence[Bill] = ()
    promises: Sequence[KnownPromise] = ()
    plans: Sequence[KnownPlan] = ()
    holds: Sequence[KnownHold] = ()
    templates: Mapping[str, Template] = {}


class FoundSignal(_Part):
    """A signal that code found and recorded before the model speaks."""

    kind: str
    quote: str = ""
    detail: str | None = None


class Said(_Part):
    """One message of the conversation; its text is untrusted."""

    direction: str
    channel: str | None = None
    purpose: str | None = None
    template: str | None = None
    text: str = ""


class Document(_Part):
    """The whole document."""

    task: Task
    today: Annotated[date, Field(lt=date(9000, 1, 1))]  # room for dates ahead of it
    account: AccountView = AccountView()
    signals: Sequence[FoundSignal] = ()
    conversation: Sequence[Said] = ()

    @property
    def newest(self) -> Said | None:
        """The customer's newest message."""
        return next((said for said in reversed(self.conversation) if said.direction == "in"), None)

    @property
    def last_sent(self) -> Said | None:
        """Our own newest message."""
        return next((said for said in reversed(self.conversation) if said.direction == "out"), None)

    def collectible(self) -> list[Bill]:
        """Overdue invoices that may be asked for; where none is overdue, the open ones."""
        free = [bill for bill in self.account.invoices if bill.collectible]
        return [bill for bill in free if bill.overdue] or free

    def promisable(self) -> list[Bill]:
        """What a customer may promise to pay: what may be asked for, or, where all of that is held, what nobody disputes."""
        return self.collectible() or [b for b in self.account.invoices if b.balance > 0 and not b.disputed]


def read(messages: Sequence[BaseMessage]) -> Document | None:
    """The document in the first human message that holds one; None where there is none that can be read."""
    for message in messages:
        if isinstance(message, HumanMessage):
            try:
                return Document.model_validate_json(message.text)
            except ValidationError:
                continue
    return None
