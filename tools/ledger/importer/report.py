"""What an import did: counts, rejected rows, findings. No personal data: ids, line numbers and reasons only."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tools.ledger.importer.model import Rejected

Entity = Literal["customers", "contacts", "invoices", "payments", "credits", "disputes"]
Change = Literal["new", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of an entity's rows made something new, changed something, or changed nothing."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should look at; it did not keep the rows out."""

    kind: str
    ids: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `events` and `withdrawn` count what it set in motion for known customers."""

    counts: Mapping[Entity, Counts]
    rejected: Sequence[Rejected]
    findings: Sequence[Finding]
    events: int
    withdrawn: int
    batch_id: int | None = None

    @property
    def ok(self) -> bool:
        """Whether every row went in."""
        return not self.rejected

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON; what `import_batch` stores."""
        return {
            "ok": self.ok,
            "counts": {entity: asdict(counts) for entity, counts in self.counts.items()},
            "rejected": [
                {"file": r.place.file, "line": r.place.line, "column": r.column, "reason": r.reason}
                for r in self.rejected
            ],
            "findings": [{"kind": f.kind, "ids": list(f.ids), "sentence": f.sentence} for f in self.findings],
            "events": self.events,
            "withdrawn": self.withdrawn,
        }
