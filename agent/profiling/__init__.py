"""Drafting a profile from a live application, drawing what was guessed, and testing a profile against the application."""
