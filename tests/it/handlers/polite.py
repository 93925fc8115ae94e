"""What the Python helper makes of each way a handler may end: the input says which."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../../examples/python"))

from fairlane_handler import Answer, Permanent, RateLimited, Retryable, Task, serve  # noqa: E402


def load() -> str:
    print("loading, says a library")
    return "weights"


def handle(task: Task, model: str) -> object:
    do = task.input
    if do == "print":
        print("a stray print")
        os.write(1, b"a stray write of a library in C\n")
        subprocess.run(["sh", "-c", "cat; echo a program"], check=True)
    if do == "permanent":
        raise Permanent("no such language")
    if do == "retryable":
        raise Retryable("later")
    if do == "rate_limited":
        raise RateLimited("full", retry_after_ms=250)
    if do == "raise":
        raise KeyError("lost")
    if do == "object":
        return object()
    if do == "nan":
        return float("nan")
    if do == "large":
        return "x" * (9 << 20)
    if do == "usage":
        return Answer(model, usage={"tokens": 3})
    return {"model": model, "class": task.class_name, "labels": task.labels, "snowman": "\u2603\ud800"[:1]}


serve(handle, load)
