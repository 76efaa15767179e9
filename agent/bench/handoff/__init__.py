"""The benchmark of the way to the operator and back: decision to card, operator's change to agent's next action."""
