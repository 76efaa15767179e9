"""The command line with a scripted model in place of a trained one: `python -m tests.agent.double run ...`."""

from __future__ import annotations

import sys
import types

from policies.scripted import ScriptedPolicy
from tests.agent.script import decide_and_close

bundle = types.ModuleType("policies.bundle")
policy = ScriptedPolicy(decide_and_close)
loaded = types.SimpleNamespace(policy=policy, judge=lambda kind: (None, None), offering=lambda operator: policy)
bundle.__dict__.update(PROFILE="profile.yaml", Bundle=types.SimpleNamespace, load=lambda path: loaded)
sys.modules["policies.bundle"] = bundle

if __name__ == "__main__":
    from agent.cli import main

    main()
