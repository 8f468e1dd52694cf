"""What every preview shows: a subject line, or the first words of a text message (compliance.md 3RD-1).

A wide lock screen shows more of a text message than these first words: infra/decisions/0015 says why that is left so.
"""

import re
import unicodedata

from tools.dunning.segments import visible

SHOWN = 40  # characters of a text message that even a narrow notification shows
_TELLING = re.compile(
    r"\b(?:debts?|debtors?|overdue|past due|owed?|owing|owes|unpaid|outstanding|arrears|delinquen\w*|balance|late|pay|payments?|paying"
    r"|collections?|collectors?|reminders?|deudas?|deudor\w*|adeud\w*|debe|saldo|vencid\w*|atrasad\w*|pendientes?|pagos?|pagar|pague"
    r"|cobr\w*|moros\w*|recordatorios?)\b",
    re.IGNORECASE,
)


def telling(subject: str | None, body: str) -> list[str]:
    """Figures and words in `subject`, or where there is none in the first words of `body`, that tell of a debt."""
    shown = visible(body)[:SHOWN] if subject is None else visible(subject)
    decomposed = unicodedata.normalize("NFKD", shown)
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    figures = [
        c for c in plain if unicodedata.category(c) == "Sc" or unicodedata.numeric(c, None) is not None
    ]
    return [*dict.fromkeys(figures), *_TELLING.findall(plain)]
