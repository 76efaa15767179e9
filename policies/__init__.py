"""View to proposal, score and decision. No browser here; torch is imported lazily by the modules that need it."""
