"""Snapshot to view: the typed, structured reading of a page. No browser and no torch here."""
