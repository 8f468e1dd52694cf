"""Logs: events with ids on stderr, one line each, as JSON where a program reads them.

Nobody's text gets into them. An error's text may quote a row or what somebody wrote, so of an exception only its kind
is logged, also where a library logs it.
"""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger


def configure_logs(stream: TextIO | None = None) -> None:
    """Send our events and the libraries' warnings to `stream` (default: stderr) from now on."""
    stream = stream or sys.stderr
    line: Processor = (
        structlog.dev.ConsoleRenderer() if stream.isatty() else structlog.processors.JSONRenderer()
    )
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        _kind_of_error,
    ]
    structlog.configure(
        processors=[*shared, line],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, line],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _kind_of_error(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """What was raised, without what it said."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    kind = (
        type(raised)
        if isinstance(raised, BaseException)
        else raised[0]
        if isinstance(raised, tuple)
        else None
    )
    if kind is not None:
        event.setdefault("why", kind.__name__)
    return event
