#!/usr/bin/env python3
"""Logs a training to Shingo from Python, with nothing but the standard library: copy Run into a notebook.

    python3 log_metrics.py http://localhost:4000 "my project/my model"

Each batch has an id of its own which its retries keep: a time-out doubles nothing.
"""
import json
import math
import os
import random
import sys
import time
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timezone

TRIES = 8


class Refused(Exception):
    """The service has understood and will not do it: trying again changes nothing."""


class Run:
    """One experiment. Points wait here until there are `batch` of them, or until flush() or finish()."""

    def __init__(self, url, model, name, algorithm, task="LIGHT_DETECTION", parameters=None, batch=1000, **more):
        self.url, self.batch, self.points = url.rstrip("/"), batch, []
        given = {"modelId": model, "name": name, "algorithm": algorithm, "task": task, **more}
        given["parameters"] = [parameter(*one) for one in (parameters or {}).items()]
        made = self.mutate("createExperiment", "CreateExperimentInput", given, "experiment { id } ")
        self.id = made["experiment"]["id"]

    def log(self, name, step, value, **where):
        """where: split="TRAIN", condition="night", class_="RED"; n, lower, upper and method of an interval."""
        if "class_" in where:
            where["class"] = where.pop("class_")
        now = datetime.now(timezone.utc).isoformat()
        self.points.append({"name": name, "step": step, "value": real(value), "time": now, **where})
        if len(self.points) >= self.batch:
            self.flush()

    def flush(self):
        if self.points:
            points, self.points = self.points, []
            self.send("logMetrics", "LogMetricsInput", points=points)

    def finish(self, state="SUCCEEDED", reason=None):
        self.flush()
        self.send("finishExperiment", "FinishExperimentInput", state=state, reason=reason)

    def send(self, mutation, kind, **content):
        batch = {"experimentId": self.id, "batchId": str(uuid.uuid4()), **content}
        return self.mutate(mutation, kind, batch)

    def mutate(self, mutation, kind, given, fields=""):
        query = "mutation ($input: %s!) { %s(input: $input) { %suserErrors { code message } } }"
        body = {"query": query % (kind, mutation, fields), "variables": {"input": given}}
        data = json.dumps(body, allow_nan=False).encode()
        for failures in range(1, TRIES + 1):
            try:
                payload = self.post(data)[mutation]
            except (OSError, json.JSONDecodeError):  # Away, cut off, too slow: the same bytes again.
                if failures == TRIES:
                    raise
                time.sleep(min(10, 0.2 * 2**failures) * (0.5 + random.random() / 2))
                continue
            if payload["userErrors"]:
                raise Refused(payload["userErrors"])
            return payload

    def post(self, data):
        headers = {"content-type": "application/json"}
        if os.environ.get("SHINGO_API_KEY"):
            headers["authorization"] = "Bearer " + os.environ["SHINGO_API_KEY"]
        request = urllib.request.Request(self.url + "/graphql", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                answered = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code >= 500:
                raise
            raise Refused(error.read().decode()) from None
        if answered.get("errors"):
            raise Refused(answered["errors"])
        return answered["data"]


def real(value):
    """JSON has no NaN and no infinities; the service takes them as words."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def parameter(name, value):
    if value is None:
        return {"name": name}
    if isinstance(value, (list, tuple)):
        numbers = all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in value)
        return {"name": name, "numbers" if numbers else "texts": list(value)}
    kind = "boolean" if isinstance(value, bool) else "number" if isinstance(value, (int, float)) else "text"
    return {"name": name, kind: value}


if __name__ == "__main__":
    address, of_model = sys.argv[1:3]
    settings = {"learning_rate": 0.01, "optimizer": "Adam", "augment": True, "layers": [64, 128]}
    run = Run(address, of_model, "from python %s" % uuid.uuid4(), "mlp", parameters=settings, engine="cuda")
    for epoch in range(1, 101):
        run.log("loss", epoch, math.exp(-epoch / 20), split="TRAIN")
        run.log("loss", epoch, math.exp(-epoch / 25) + 0.01, split="VALIDATION")
    run.log("recall", 100, 0.9, split="TEST", condition="night", class_="RED", n=20, lower=0.699, upper=0.972, method="WILSON")
    run.log("diverged", 100, float("nan"))
    run.finish()
    print(run.id)
