"""One import: read the files, see what they mean for the ledger copy, write it, say what was done."""

from collections.abc import Mapping as ReadOnlyDict
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from psycopg import AsyncConnection

from tools.ledger.importer import queries, write
from tools.ledger.importer.balances import settle_all
from tools.ledger.importer.batch import read_batch
from tools.ledger.importer.disputes import disputed_id, disputes
from tools.ledger.importer.events import events
from tools.ledger.importer.findings import all_findings
from tools.ledger.importer.known import Known
from tools.ledger.importer.mapping import Mapping
from tools.ledger.importer.model import Batch
from tools.ledger.importer.receipts import receipts, with_ids
from tools.ledger.importer.report import ImportReport
from tools.ledger.importer.resolve import resolve

_NO_FILES: ReadOnlyDict[str, Path] = MappingProxyType({})


async def import_ledger(
    conn: AsyncConnection[Any],
    folder: Path,
    mapping: Mapping,
    *,
    now: datetime,
    imported_by: str,
    files: ReadOnlyDict[str, Path] = _NO_FILES,
) -> ImportReport:
    """Bring the ledger copy to what the files in `folder` say; importing them again changes nothing.

    `files` names other paths by entity, as `{"contacts": Path(...)}`. Bad rows are left out and named in the
    report, the others go in. Runs in the caller's transaction and never commits: either all of it is kept
    or nothing. Raises Invalid, before it has written anything, for a file that cannot be read or has not
    the columns that the mapping names.
    """
    batch = read_batch(folder, mapping, files)
    batch = replace(batch, payments=tuple(with_ids(batch.payments)), credits=tuple(with_ids(batch.credits)))
    known = await _known(conn, batch)

    ledger = resolve(batch, known, ext_system=mapping.ext_system)
    payments, credits_ = receipts(ledger, batch.payments), receipts(ledger, batch.credits)
    contested = disputes(ledger, batch.disputes, now=now)
    settled = settle_all(ledger, payments, credits_)

    counts = await write.write_ledger(
        conn, ledger, payments=payments, credits_=credits_, settled=settled, disputes=contested, now=now
    )
    happened = events(known, payments=payments, credits_=credits_, disputes=contested, settled=settled)
    withdrawn = await queries.announce(conn, happened, now=now)

    touched = {i.customer_id for i in known.invoices.values() if i.id in settled} | ledger.customers.keys()
    touched |= {i.customer_id for i in ledger.invoices.values()}
    touched |= {c.customer_id for c in ledger.contacts.values()}
    report = ImportReport(
        counts=counts,
        rejected=sorted(ledger.rejected, key=lambda r: (r.place.file, r.place.line)),
        findings=all_findings(
            await queries.find(conn, customers=touched, payments=payments.keys()),
            ledger=ledger,
            settled=settled,
            receipts=[*payments.values(), *credits_.values()],
        ),
        events=len(happened),
        withdrawn=withdrawn,
    )
    batch_id = await queries.insert_batch(
        conn, now=now, ext_system=mapping.ext_system, imported_by=imported_by, report=report.as_json()
    )
    return replace(report, batch_id=batch_id)


async def _known(conn: AsyncConnection[Any], batch: Batch) -> Known:
    money = [*batch.payments, *batch.credits]
    customers = {row.id for row in batch.customers} | {row.parent_id for row in batch.customers}
    customers |= {row.customer_id for row in batch.contacts} | {row.customer_id for row in batch.invoices}
    customers |= {row.customer_id for row in money} | {row.customer_id for row in batch.disputes}
    invoices = {row.id for row in batch.invoices} | {row.invoice for row in money}
    invoices |= {row.invoice for row in batch.disputes}
    owners, refs = {owner for owner in customers if owner}, {ref for ref in invoices if ref}
    await queries.lock(conn, customers=owners, invoices=refs)
    return await queries.read_known(
        conn,
        customers=owners,
        contacts={row.id for row in batch.contacts if row.id},
        invoices=refs,
        payments={row.id for row in batch.payments if row.id},
        credits_={row.id for row in batch.credits if row.id},
        disputes={row.id for row in batch.disputes if row.id}
        | {f"dispute:{row.invoice}" for row in batch.disputes}
        | {disputed_id(row.id) for row in batch.invoices},
    )
