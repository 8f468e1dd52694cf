"""Where the cases of these tests run: an empty database on the test server."""

from tests.evals.injection.conftest import place

__all__ = ["place"]
