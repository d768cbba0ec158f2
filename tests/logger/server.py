"""A W&B server on this machine: as much of it as uploads, and agents of a sweep, ask for.

It keeps what it is told about each run. After GET /silence it accepts connections and answers nothing, as a network
that swallows packets does.
"""

import gzip
import json
import re
import sys
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "0123456789" * 4


@dataclass
class Told:
    """What the server knows of one run."""

    project: str = ""
    group: str = ""
    sweep: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    exit_code: int | None = None


class Server:
    """A context manager; `url` is where it listens, `runs` what it was told, by the run's id."""

    def __init__(self) -> None:
        self.runs: dict[str, Told] = defaultdict(Told)
        self.requests = 0
        self.refusal = ""  # said instead of an answer, where it is not empty
        self.views: list[dict[str, Any]] = []
        self.commands: list[dict[str, Any]] = []  # what an agent is told to do, one at each of its heartbeats
        self.sweep_config = ""
        self.silent = threading.Event()
        self.released = threading.Event()
        handler = type("Handler", (Handler,), {"server_state": self})
        self.http = Listener(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def __enter__(self) -> "Server":
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self.http.shutdown()
        self.http.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """What sends W&B here."""
        return {"WANDB_BASE_URL": self.url, "WANDB_API_KEY": KEY}

    def graphql(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The answer to a query, by the field that it asks for."""
        asked = re.search(r"\{\s*(\w+)", query)
        answer = getattr(self, f"answer_{asked[1]}", None) if asked else None
        return answer(variables) if answer else {}

    def answer_upsertBucket(self, told: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  (the server's own word)
        run = self.runs[told["name"]]
        run.project, run.group = told.get("project") or run.project, told.get("groupName") or run.group
        run.sweep = told.get("sweep") or run.sweep
        run.config |= {key: item["value"] for key, item in json.loads(told.get("config") or "{}").items()}
        project = {"name": run.project, "entity": {"name": "team"}}
        bucket = {"id": told["name"], "name": told["name"], "displayName": told["name"], "project": project}
        return {"upsertBucket": {"bucket": bucket | {"config": "{}"}, "inserted": True}}

    def answer_createArtifact(self, told: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        sequence = {"latestArtifact": {"id": "a", "versionIndex": 0}}
        return {"createArtifact": {"artifact": {"id": "a", "state": "COMMITTED", "artifactSequence": sequence}}}

    def answer_createRunFiles(self, told: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        run = told.get("run") or told.get("runName")
        files = [{"name": name, "uploadUrl": f"{self.url}/upload/{run}/{name}"} for name in told["files"]]
        return {"createRunFiles": {"runID": run, "uploadHeaders": [], "files": files}}

    def answer_viewer(self, told: dict[str, Any]) -> dict[str, Any]:
        return {"viewer": {"id": "u", "entity": "team", "username": "u", "flags": "{}", "teams": {"edges": []}}}

    def answer_upsertView(self, told: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.views.append(told)
        return {"upsertView": {"view": {"id": "v", "name": told["name"]}, "inserted": True}}

    def answer_createAgent(self, told: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"createAgent": {"agent": {"id": "agent"}}}

    def answer_agentHeartbeat(self, told: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        next_one = self.commands.pop(0) if self.commands else {"type": "exit"}
        if json.loads(told.get("runState") or "{}"):  # it is still busy
            self.commands.insert(0, next_one)
            return {"agentHeartbeat": {"agent": {"id": "agent"}, "commands": "[]"}}
        return {"agentHeartbeat": {"agent": {"id": "agent"}, "commands": json.dumps([next_one])}}

    def answer_project(self, told: dict[str, Any]) -> dict[str, Any]:
        sweep = {"id": "s", "name": told.get("sweep"), "config": self.sweep_config, "runs": {"edges": []}}
        return {"project": {"sweep": sweep, "artifact": None}}

    def stream(self, run: Told, body: dict[str, Any]) -> None:
        """Rows, summary and exit code."""
        for name, chunk in body.get("files", {}).items():
            if name == "wandb-history.jsonl":
                run.rows.extend(map(json.loads, chunk["content"]))
            elif name == "wandb-summary.json":
                run.summary |= json.loads(chunk["content"][-1])
        if body.get("complete"):
            run.exit_code = body.get("exitcode")


class Listener(ThreadingHTTPServer):
    """A thread for each connection; that a client is gone, perhaps killed by a test, is no error."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell of all but lost connections."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_state: Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """GraphQL, or a run's file stream."""
        body, state = self.body(), self.server_state
        if stream := re.match(r"/files/(?:[^/]+/)+([^/]+)/file_stream", self.path):
            state.stream(state.runs[stream[1]], json.loads(body))
            return self.answer({"limits": {}})
        if self.path != "/graphql":  # W&B's reports about itself
            return self.answer({})
        if state.refusal:
            return self.answer({"data": None, "errors": [{"message": state.refusal}]})
        query = json.loads(body)
        return self.answer({"data": state.graphql(query["query"], query.get("variables") or {})})

    def do_PUT(self) -> None:
        """A file of a run."""
        self.body()
        _, _, run, name = self.path.split("/", 3)
        self.server_state.runs[run].files.add(name)
        self.answer({})

    def do_GET(self) -> None:
        """Nothing is here, but /silence falls silent."""
        self.answer({})
        if self.path == "/silence":
            self.server_state.silent.set()

    def body(self) -> bytes:
        """What was sent; waits for ever while the server is silent."""
        self.server_state.requests += 1
        if self.server_state.silent.is_set():
            self.server_state.released.wait()
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(sent) if self.headers.get("Content-Encoding") == "gzip" else sent

    def answer(self, value: dict[str, Any]) -> None:
        """JSON."""
        sent = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)
