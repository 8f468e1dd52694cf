"""Approvals under everything that can happen to them: actions times events, each with the end that it must come to."""
