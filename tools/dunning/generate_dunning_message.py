"""Speak: the tool `generate_dunning_message`."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from tools.spec import ToolArgs

Purpose = Literal[
    "early_notice",
    "reminder",
    "reply",
    "acknowledgement",
    "receipt",
    "plan_offer",
    "formal_notice",
    "opt_out_confirmation",
    "condolence",
    "crisis",
]
Tone = Literal["service", "friendly", "direct", "formal"]
MessageChannel = Literal["email", "sms"]


class GenerateDunningMessage(ToolArgs):
    """Stage one message to this customer. It leaves only if policy allows it or a person approves it.

    Give either `template` (the name of a reviewed template) or `body` (your own words). In a body never type a
    figure, a date, an invoice number, a name or a link: write placeholders such as {{balance}}, {{invoice_list}},
    {{customer.first_name}}, {{payment_link}}; the ledger fills them. Opt-out line and disclosure are added for you.
    """

    model_config = ConfigDict(title="generate_dunning_message")
    purpose: Purpose
    channel: MessageChannel
    invoices: Annotated[
        list[str],
        Field(max_length=200, description="Ids of the invoices that the message is about; may be empty."),
    ]
    tone: Tone
    offer: str | None = Field(description="Id of a plan offer shown to you, or null.")
    template: str | None = Field(description="Name of a reviewed template, or null.")
    body: Annotated[str, Field(max_length=4000)] | None = Field(
        description="Your own words with placeholders, or null."
    )

    @model_validator(mode="after")
    def _one_text(self) -> "GenerateDunningMessage":
        if (self.template is None) == (self.body is None):
            raise ValueError("give exactly one of template and body")
        return self
