"""Sessions, stages, the operator's side and the command line: what joins eyes, hands and policies."""
