"""Fakes and builders that the tests own."""
