"""The demonstration: the whole way once, on the practice BPM. With `agent.cli.bpm`, the only code here that knows fixtures."""
