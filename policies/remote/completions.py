"""A client of `/v1/completions` that asks one thing: how likely each of some tokens is as the next one.

Prompts go as token ids, so that nothing is tokenised twice in two ways. vLLM answers for the very tokens that are asked about
(`logprob_token_ids`); of another server's likeliest tokens, those that are not among them are asked for one by one, as the
last token of an echoed prompt. Servers take prompts in batches and keep the prefixes that these share.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from pydantic import Field, SecretStr

from policies.causal_lm.errors import ServerError
from policies.causal_lm.trie import Tokens
from schema_extraction.view import Frozen

ID = "token_id:"


class ClientSettings(Frozen):
    """`url`: of the protocol's root, which ends in `/v1`. `timeout`: seconds for one request; `tries`: how often it is sent
    where the server is busy, broken or gone. `listed`: likeliest tokens that are asked for; a server allows 20 or fewer.
    `batch`: prompts in a request."""

    url: str
    key: SecretStr = SecretStr("")
    timeout: float = Field(20.0, gt=0)
    tries: int = Field(3, ge=1)
    listed: int = Field(5, ge=1)
    batch: int = Field(32, ge=1)


class Completions:
    """Asks one server. `pause` waits between tries; tests give their own.

    Safe to call from several threads."""

    def __init__(self, settings: ClientSettings, pause: Callable[[float], None] = time.sleep) -> None:
        self.settings = settings
        self.pause = pause
        secret = settings.key.get_secret_value()
        self._http = httpx.Client(
            base_url=settings.url.rstrip("/") + "/",
            timeout=settings.timeout,
            headers={"Authorization": f"Bearer {secret}"} if secret else {},
            trust_env=False,
        )

    def close(self) -> None:
        self._http.close()

    def models(self) -> tuple[str, ...]:
        """The names of the models that the server runs.

        Raises:
            ServerError: see the class.
        """
        answer = self._send("GET", "models", None)
        try:
            return tuple(str(entry["id"]) for entry in answer["data"])
        except (KeyError, TypeError) as error:
            raise self._garbage("a list of models", answer) from error

    def tokens(self, model: str, prompt: Tokens) -> list[str]:
        """The tokens of a prompt, as the server reads them.

        Raises:
            ServerError: see `next`.
        """
        body = {"model": model, "prompt": [list(prompt)], "max_tokens": 1, "temperature": 0.0, "logprobs": 1, "echo": True}
        (choice,) = self._complete(body, 1)
        try:
            return [str(token) for token in choice["logprobs"]["tokens"][: len(prompt)]]
        except (KeyError, TypeError) as error:
            raise self._garbage("the tokens of an echoed prompt", choice) from error

    def next(
        self, model: str, prompts: Sequence[Tokens], children: Sequence[Tokens], name_of: Callable[[int], str]
    ) -> list[list[float]]:
        """For each prompt, the log-probability of each of its `children` as the next token. `name_of`: a token as text.

        Raises:
            ServerError: the server is out of reach, too slow, or answers what is no answer.
        """
        found: list[list[float]] = []
        for start in range(0, len(prompts), self.settings.batch):
            part = slice(start, start + self.settings.batch)
            found += self._next(model, prompts[part], children[part], name_of)
        return found

    def text(self, model: str, prompt: Tokens, most: int, end: int) -> tuple[str, bool, float]:
        """How a model goes on after a prompt: the text, whether it ended it within `most` tokens, and the mean of the tokens'
        log-probabilities. `end`: the token that ends it. Asked once: a text is no answer that a step waits for.

        Raises:
            ServerError: see `next`.
        """
        body = {
            "model": model,
            "prompt": [list(prompt)],
            "max_tokens": most,
            "temperature": 0.0,
            "logprobs": 1,
            "stop_token_ids": [end],
        }
        (choice,) = self._complete(body, 1, tries=1)
        try:
            text, reason, known = choice["text"], choice["finish_reason"], choice["logprobs"]["token_logprobs"]
        except (KeyError, TypeError) as error:
            raise self._garbage("a text with log-probabilities", choice) from error
        if not isinstance(text, str) or not isinstance(known, list) or not known:
            raise self._garbage("a text with log-probabilities", choice)
        return text, reason == "stop", sum(map(self._number, known)) / len(known)

    def _next(
        self, model: str, prompts: Sequence[Tokens], children: Sequence[Tokens], name_of: Callable[[int], str]
    ) -> list[list[float]]:
        choices = self._complete(
            {
                "model": model,
                "prompt": [list(prompt) for prompt in prompts],
                "max_tokens": 1,
                "temperature": 0.0,
                "logprobs": self.settings.listed,
                "logprob_token_ids": sorted({child for row in children for child in row}),
                "return_tokens_as_token_ids": True,
            },
            len(prompts),
        )
        rows = []
        for choice, wanted in zip(choices, children, strict=True):
            listed = self._listed(choice)
            names = [f"{ID}{child}" if f"{ID}{child}" in listed else name_of(child) for child in wanted]
            # The same text for two of the tokens tells them apart by nothing.
            rows.append([listed.get(name) if names.count(name) == 1 else None for name in names])
        missing = [(row, place) for row, values in enumerate(rows) for place, value in enumerate(values) if value is None]
        echoed = self._echoed(model, [(*prompts[row], children[row][place]) for row, place in missing])
        for (row, place), value in zip(missing, echoed, strict=True):
            rows[row][place] = value
        return [[self._number(value) for value in row] for row in rows]

    def _echoed(self, model: str, prompts: Sequence[Tokens]) -> list[float]:
        """The log-probability of the last token of each prompt."""
        found: list[float] = []
        for start in range(0, len(prompts), self.settings.batch):
            some = prompts[start : start + self.settings.batch]
            body = {
                "model": model,
                "prompt": [list(p) for p in some],
                "max_tokens": 1,
                "temperature": 0.0,
                "logprobs": 1,
                "echo": True,
            }
            for prompt, choice in zip(some, self._complete(body, len(some)), strict=True):
                try:
                    found.append(self._number(choice["logprobs"]["token_logprobs"][len(prompt) - 1]))
                except (KeyError, TypeError, IndexError) as error:
                    raise self._garbage("the log-probabilities of an echoed prompt", choice) from error
        return found

    def _complete(self, body: dict[str, Any], count: int, tries: int | None = None) -> list[dict[str, Any]]:
        answer = self._send("POST", "completions", body, tries)
        try:
            choices = sorted(answer["choices"], key=lambda choice: int(choice["index"]))
        except (KeyError, TypeError, ValueError) as error:
            raise self._garbage("completions", answer) from error
        if [choice["index"] for choice in choices] != list(range(count)):
            raise self._garbage(f"{count} completions", answer)
        return choices

    def _listed(self, choice: dict[str, Any]) -> dict[str, float]:
        try:
            return dict(choice["logprobs"]["top_logprobs"][0])
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise self._garbage("log-probabilities of the next token", choice) from error

    def _number(self, value: object) -> float:
        if not isinstance(value, int | float) or math.isnan(value) or value > 1e-3:
            raise self._garbage("a log-probability", value)
        return float(value)

    def _send(self, method: str, path: str, body: dict[str, Any] | None, tries: int | None = None) -> Any:
        """One request, sent again where that may help, up to `tries` times in all (default: as set)."""
        last, tries = "", tries or self.settings.tries
        for attempt in range(tries):
            if attempt:
                self.pause(min(0.5 * 2 ** (attempt - 1), 8.0) * random.uniform(0.5, 1.0))
            try:
                response = self._http.request(method, path, json=body)
            except httpx.TimeoutException:
                last = f"no answer within {self.settings.timeout:g} s"
                continue
            except httpx.HTTPError as error:
                last = f"{error.__class__.__name__}: {error}"
                continue
            if response.status_code in (408, 409, 425, 429) or response.status_code >= 500:
                last = f"status {response.status_code}"
                continue
            if response.status_code >= 400:
                raise ServerError(
                    f"The model server at {self.settings.url} refuses: status {response.status_code}, {_short(response.text)}. "
                    "Check its model names and limits with `casepilot connect`."
                )
            try:
                return response.json()
            except ValueError as error:
                raise self._garbage("JSON", response.text) from error
        raise ServerError(
            f"The model server at {self.settings.url} does not answer: {last}, {tries} tries. Start it, or "
            f"take the model "
            "into this process with `casepilot connect MODEL --off`."
        )

    def _garbage(self, expected: str, met: object) -> ServerError:
        return ServerError(
            f"Expected {expected} from the model server at {self.settings.url}, met {_short(met)}. "
            "It must serve /v1/completions with token prompts and logprobs, as vLLM does."
        )


def _short(met: object) -> str:
    text = repr(met)
    return text if len(text) <= 120 else text[:119] + "…"
