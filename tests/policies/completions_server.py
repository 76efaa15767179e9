"""A real server of `/v1/completions` on a loopback port, answering with a tiny model in the way that vLLM does.

Prompts come as token ids, several in a request. `logprob_token_ids` replaces the likeliest tokens, `return_tokens_as_token_ids`
names tokens by number, `echo` gives the log-probability of each prompt token (None for the first). `plain`: without the two
extensions, as older servers. `fault` makes it answer what it should not.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch

from policies.causal_lm.language import Language


class Served:
    """What a running server is told and has seen: `fault` is one of `status`, `garbage`, `shape`, `nan`, `silent`, or empty;
    it lasts for `times` requests."""

    def __init__(self, models: Mapping[str, Any], language: Language, plain: bool) -> None:
        self.models = models
        self.language = language
        self.plain = plain
        self.fault = ""
        self.times = 1_000
        self.requests: list[dict[str, Any]] = []
        self.over = threading.Event()
        self.url = ""

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._choice if body["max_tokens"] == 1 else self._text
        choices = [answer(index, prompt, body) for index, prompt in enumerate(body["prompt"])]
        return {"object": "text_completion", "model": body["model"], "choices": choices}

    def _choice(self, index: int, prompt: list[int], body: dict[str, Any]) -> dict[str, Any]:
        with torch.inference_mode():
            rows = torch.log_softmax(self.models[body["model"]](torch.tensor([prompt])).logits[0].float(), -1)
        best = int(rows[-1].argmax())
        wanted = rows[-1].topk(int(body["logprobs"])).indices.tolist()
        if body.get("logprob_token_ids") and not self.plain:
            wanted = body["logprob_token_ids"]
        tokens, values, tops = [self._name(best, body)], [float(rows[-1, best])], [self._top(rows[-1], [*wanted, best], body)]
        if body.get("echo"):
            shown = [self._name(token, body) for token in prompt]
            known: list[float | None] = [None, *(float(rows[i, token]) for i, token in enumerate(prompt[1:]))]
            tokens, values, tops = shown + tokens, known + values, [None] * len(prompt) + tops  # type: ignore[assignment,operator]
        logprobs = {"tokens": tokens, "token_logprobs": values, "top_logprobs": tops}
        return {"index": index, "text": self._name(best, body), "logprobs": logprobs, "finish_reason": "length"}

    def _text(self, index: int, prompt: list[int], body: dict[str, Any]) -> dict[str, Any]:
        written: list[int] = []
        values: list[float] = []
        end = self.language.end
        while len(written) < body["max_tokens"] and end not in written:
            with torch.inference_mode():
                row = torch.log_softmax(self.models[body["model"]](torch.tensor([prompt + written])).logits[0, -1].float(), -1)
            written.append(int(row.argmax()))
            values.append(float(row.max()))
        shown = written[:-1] if written[-1] == end else written
        reason = "stop" if written[-1] == end else "length"
        logprobs = {"tokens": [self._name(token, body) for token in written], "token_logprobs": values, "top_logprobs": []}
        return {"index": index, "text": self.language.decode(shown), "logprobs": logprobs, "finish_reason": reason}

    def _top(self, row: torch.Tensor, wanted: list[int], body: dict[str, Any]) -> dict[str, float]:
        return {self._name(token, body): float(row[token]) for token in wanted}

    def _name(self, token: int, body: dict[str, Any]) -> str:
        if body.get("return_tokens_as_token_ids") and not self.plain:
            return f"token_id:{token}"
        return str(self.language.tokenizer.decode([token], skip_special_tokens=False))


@contextmanager
def completions(models: Mapping[str, Any], language: Language, plain: bool = False) -> Iterator[Served]:
    """A server that runs while the block does."""
    served = Served(models, language, plain)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(200, json.dumps({"data": [{"id": name} for name in served.models]}))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                served.requests.append(body)
                fault = served.fault if served.times > 0 else ""
                served.times -= 1
            if fault == "silent":
                served.over.wait(60)
                self.close_connection = True
            elif fault == "status":
                self._answer(503, "busy")
            elif fault == "garbage":
                self._answer(200, "<html>a proxy's own page</html>")
            elif fault == "shape":
                self._answer(200, json.dumps({"choices": [{"index": 0, "text": "hello"}]}))
            elif body["model"] not in served.models:
                self._answer(404, json.dumps({"error": {"message": f"The model {body['model']!r} does not exist."}}))
            else:
                with lock:
                    answer = served.complete(body)
                if fault == "nan":
                    for choice in answer["choices"]:
                        said = choice["logprobs"]
                        said["token_logprobs"] = [float("nan")] * len(said["tokens"])
                        said["top_logprobs"] = [{name: float("nan") for name in top or ()} for top in said["top_logprobs"]]
                self._answer(200, json.dumps(answer))

        def _answer(self, status: int, text: str) -> None:
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield served
    finally:
        served.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
