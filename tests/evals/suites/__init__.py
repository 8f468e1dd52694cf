"""Tests of the eval suites: that they are green as things are, and go red when something is switched off."""
