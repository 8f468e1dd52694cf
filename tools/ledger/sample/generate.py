"""Write the sample ledger: `python -m tools.ledger.sample.generate`.

Juniper Home Services (heating, plumbing, electrical work; America/Chicago) on Tuesday, 17 November 2026.
Every person, company, address and number is invented. The same files come out on every run. The eight customers
whom the demo plays come first; all but the sixth are residential and have no dispute or hold:

- C-1001 Amara Okonkwo, the promise-maker: 412.50, 8 days overdue, text messages only, always paid on time.
  She gets a reminder, and promises to pay on a date.
- C-1002 Tomas Lindqvist, the disputer: 865.00 for a water heater, 16 days overdue. He will say that it still leaks.
- C-1003 Priya Bhattacharya, the opt-outer: 189.00, 6 days overdue. She answers STOP.
- C-1004 Marisol Vasquez, the Spanish speaker: 540.25, 9 days overdue, in Texas. She is written to in Spanish.
- C-1005 Darnell Oyelaran, the plan-asker: 1,380.00 for a heat pump, 20 days overdue, sometimes pays late.
  He asks for three instalments.
- C-1006 Lakeshore Dental Partners LLC, the big account: 14,780.00, 19 days overdue, commercial. Nothing leaves
  without a person.
- C-1007 Piotr Kowalczyk, who says that he has paid: 623.00, 11 days overdue, in Wisconsin.
- C-1008 Yusuf Haddad, who asks what he owes: 237.75, 7 days overdue, in Michigan.

The others are one account for each situation that the policy names; `stories` says which.
"""

from pathlib import Path

from tools.ledger.sample import stories
from tools.ledger.sample.book import Book

FOLDER = Path(__file__).resolve().parent


def sample() -> dict[str, str]:
    """The text of every file of the sample ledger, by name."""
    book = Book()
    stories.characters(book)
    stories.ladder(book)
    stories.limits(book)
    stories.disputes_and_money(book)
    stories.contacts_and_wishes(book)
    stories.businesses(book)
    stories.odd_states(book)
    return book.texts()


def main() -> None:
    """Rewrite the files beside this module."""
    for name, text in sample().items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="")


if __name__ == "__main__":
    main()
