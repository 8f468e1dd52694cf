"""What can be wrong with an answer that did arrive."""

from langchain_core.messages import AIMessage


def wrong_with(said: AIMessage, *, first: bool) -> str | None:
    """Why this answer cannot be used, in words for the record; None where it can.

    A cut answer may lack the very call that mattered, so none of its calls counts. Saying nothing ends a turn that
    had calls before; as the `first` answer it is no answer.
    """
    finish = said.response_metadata.get("finish_reason")
    if finish == "length":
        return "the model's answer was cut off"
    if finish == "content_filter" or said.additional_kwargs.get("refusal"):
        return "the model refused"
    if first and not (said.text.strip() or said.tool_calls or said.invalid_tool_calls):
        return "the model's answer was empty"
    return None
