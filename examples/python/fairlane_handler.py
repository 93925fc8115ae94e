"""A model behind Fairlane in ten lines: the child's side of docs/process-executor.md.

    from fairlane_handler import Task, serve

    def handle(task: Task) -> object:
        return {"length": len(str(task.input))}

    serve(handle)

Python 3.9 or later, nothing else. Copy this file next to your handler.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Callable, Optional, Union

__all__ = ["Answer", "Permanent", "RateLimited", "Retryable", "Task", "serve"]

_VERSION = 1
_LINE_BYTES_MAX = 8 << 20
_MESSAGE_CHARS_MAX = 2000


@dataclass(frozen=True)
class Task:
    """One task. `attempt` counts the executions that failed before this one."""

    task_id: str
    model: str
    input: Any
    attempt: int = 0
    timeout_ms: int = 0
    lane: str = ""
    class_name: str = ""
    tenant: str = ""
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """An output with counts of your own, such as Answer(text, usage={"tokens": 12})."""

    output: Any
    usage: dict[str, Any] = field(default_factory=dict)


class _Failure(Exception):
    kind = "retryable"

    def __init__(self, message: str, retry_after_ms: Optional[int] = None) -> None:
        super().__init__(message)
        self.retry_after_ms = retry_after_ms


class Retryable(_Failure):
    """It may pass if tried again. So does every exception that is none of these three."""


class Permanent(_Failure):
    """It will fail again however often it is tried; the task is given up at once."""

    kind = "permanent"


class RateLimited(_Failure):
    """The engine asks for patience: RateLimited("full", retry_after_ms=2000)."""

    kind = "rate_limited"


Handle = Union[Callable[[Task], Any], Callable[[Task, Any], Any]]


def serve(handle: Handle, load: Optional[Callable[[], Any]] = None) -> None:
    """Answers tasks until Fairlane closes the pipe.

    With `load`, calls it once before the first task and passes what it returns to `handle` as second argument.
    The time it takes is charged to no task. What `handle` returns must be fit for JSON.
    """
    tasks, answers = _own_pipes()
    arguments = () if load is None else (load(),)
    answers.write(_encode({"ready": _VERSION}))
    answers.flush()
    for line in tasks:
        task = _read(line)
        answers.write(_line(task, _answer(handle, task, arguments)))
        answers.flush()


def _answer(handle: Handle, task: Task, arguments: tuple[Any, ...]) -> dict[str, Any]:
    try:
        answer = handle(task, *arguments)
    except _Failure as failure:
        return _error(failure.kind, str(failure), failure.retry_after_ms)
    except MemoryError:
        # Whatever is broken now, a fresh process is not: end, and let Fairlane start one.
        raise
    except Exception as error:
        traceback.print_exc()
        return _error("retryable", f"{type(error).__name__}: {error}")
    if not isinstance(answer, Answer):
        answer = Answer(answer)
    return {"ok": answer.output, "usage": answer.usage}


def _line(task: Task, said: dict[str, Any]) -> bytes:
    try:
        line = _encode({"task_id": task.task_id, **said})
    except (TypeError, ValueError, RecursionError) as error:
        return _line(task, _error("permanent", f"the handler's output is no JSON: {error}"))
    if len(line) > _LINE_BYTES_MAX:
        what = f"the handler's output takes a line of {len(line)} bytes; at most {_LINE_BYTES_MAX} may be"
        return _line(task, _error("permanent", what))
    return line


def _error(kind: str, message: str, retry_after_ms: Optional[int] = None) -> dict[str, Any]:
    shown = message[:_MESSAGE_CHARS_MAX]
    return {"error": {"kind": kind, "message": shown, "retry_after_ms": retry_after_ms}}


def _read(line: bytes) -> Task:
    fields = json.loads(line)
    fields["class_name"] = fields.pop("class", "")
    return Task(**{name: value for name, value in fields.items() if name in Task.__dataclass_fields__})


def _encode(message: dict[str, Any]) -> bytes:
    # ASCII: a lone surrogate, which UTF-8 cannot hold, comes through as an escape.
    return json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Takes stdin and stdout for itself: a stray print(), also one of a library in C, goes to
    stderr, and a program that the handler starts cannot read tasks."""
    sys.stdout.flush()
    tasks = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return tasks, answers
