"""A model behind a server: the same decisions as in this process, and a clear word when the server fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from policies.causal_lm.critic import CausalCritic
from policies.causal_lm.engine import Engine
from policies.causal_lm.errors import ServerError
from policies.causal_lm.train import adapted
from policies.errors import ModelError
from policies.remote.completions import ClientSettings, Completions
from policies.remote.server import RemoteScorer, check_server
from tests.policies import lm, made
from tests.policies.completions_server import Served, completions

REACH = lm.WHOLE.but(top=8)


@pytest.fixture(params=["vllm", "older"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    with completions({"policy": lm.model(), "critic": lm.model(1)}, lm.language(), plain=request.param == "older") as running:
        yield running
        for scorer in SCORERS:
            scorer.client.close()
        SCORERS.clear()


SCORERS: list[RemoteScorer] = []


def remote(served: Served, waits: list[float] | None = None, timeout: float = 60.0) -> RemoteScorer:
    pause = (lambda seconds: None) if waits is None else waits.append
    client = Completions(ClientSettings(url=served.url, timeout=timeout), pause)
    SCORERS.append(RemoteScorer(client, {"policy": "policy", "critic": "critic"}, lm.language()))
    return SCORERS[-1]


def test_the_same_decisions_as_in_this_process(served: Served) -> None:
    here, there = lm.policy(reach=REACH), lm.policy(reach=REACH.but(leaves=8, enough=1.0))
    there.scorer = remote(served)
    for view in (made.view(), made.view("C-2", name="Max Born", messages=("It is late.",))):
        ours, theirs = here.propose(view, ()), there.propose(view, ())
        assert [p.action for p in theirs[:4]] == [p.action for p in ours[:4]]
        assert [p.probability for p in theirs[:4]] == pytest.approx([p.probability for p in ours[:4]], abs=1e-3)
    assert any(len(body["prompt"]) > 1 for body in served.requests)


def test_the_same_scores_of_a_critic_that_reads_the_page_itself(served: Served) -> None:
    here = lm.policy(reach=REACH)
    ranked = here.propose(made.view(), ())
    there = lm.policy(reach=REACH)
    there.scorer = remote(served)
    critic = lm.policy(reach=REACH)
    model = adapted(lm.model(1), "critic", 2)  # an adapter that was not trained changes nothing
    critic.scorer = Engine(model, {"policy": None, "critic": "critic"})
    expected = CausalCritic(critic, shared=False).score(made.view(), (), ranked)
    assert CausalCritic(there, shared=False).score(made.view(), (), ranked) == pytest.approx(expected, abs=1e-3)
    with pytest.raises(ModelError, match="casepilot critic --alone"):
        CausalCritic(there, shared=True).score(made.view(), (), ranked)


def test_a_server_is_checked_before_it_is_used(served: Served) -> None:
    check_server(remote(served))
    scorer = remote(served)
    scorer.names["policy"] = "other"
    with pytest.raises(ServerError, match="under the name 'other'"):
        check_server(scorer)
    served.language = lm.other_language()
    with pytest.raises(ServerError, match="another tokenizer"):
        check_server(remote(served))


def test_a_busy_server_is_asked_again_and_a_broken_one_given_up(served: Served) -> None:
    policy, waits = lm.policy(reach=REACH), list[float]()
    policy.scorer = remote(served, waits)
    served.fault, served.times = "status", 2
    assert policy.propose(made.view(), ())
    assert len(waits) == 2
    served.times = 1_000
    with pytest.raises(ServerError, match="status 503, 3 tries"):
        policy.propose(made.view("C-9"), ())


@pytest.mark.parametrize(("fault", "words"), [("garbage", "Expected JSON"), ("shape", "completions"), ("nan", "log-probab")])
def test_garbage_is_no_answer(served: Served, fault: str, words: str) -> None:
    policy = lm.policy(reach=REACH)
    policy.scorer = remote(served)
    served.fault = fault
    with pytest.raises(ServerError, match=words):
        policy.propose(made.view(), ())


def test_silence_ends_in_time(served: Served) -> None:
    policy = lm.policy(reach=REACH)
    policy.scorer = remote(served, timeout=0.2)
    served.fault = "silent"
    with pytest.raises(ServerError, match=r"no answer within 0.2 s, 3 tries"):
        policy.propose(made.view(), ())


def test_nobody_there() -> None:
    client = Completions(ClientSettings(url="http://127.0.0.1:9/v1", tries=2), lambda seconds: None)
    with pytest.raises(ServerError, match="does not answer"):
        client.models()
    client.close()
