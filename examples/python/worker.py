"""A Fairlane worker in Python, written from docs/protocol.md. Put a model of your own into `run`.

NATS_URL=nats://127.0.0.1:4222 python worker.py --slots 2 echo
"""

import argparse, asyncio, hashlib, json, os, re, signal, sys, time
from urllib.parse import quote, unquote

import nats, umsgpack
from nats.js.errors import APIError, NotFoundError

COMPLETE = ("Fl-Version", "Fl-Task-Id", "Fl-Model", "Fl-Tenant")
INTEGERS = ("Attempt", "Hop", "Enqueued-At", "Fence", "Deadline", "Priority", "Max-Attempts", "Timeout-Ms", "Policy")
TERMINAL = ("completed", "dead", "cancelled", "expired")
# How long a pull waits for a task of its consumer, and how long a consumer that had none is left alone. When all
# have none, a pull waits longer.
ASK_MS, QUIET_S, WAIT_MS = 20, 0.25, 500


class Failed(Exception):
    def __init__(self, kind, message, retry_after_ms=None):
        super().__init__(message)
        self.kind, self.retry_after_ms = kind, retry_after_ms


async def run(asked, attempt):
    """The model. This one waits, hangs or fails as its input says, as `simulate` does."""
    script = asked if isinstance(asked, dict) else {}
    if script.get("hang_rate"):
        await asyncio.Event().wait()
    await asyncio.sleep(script.get("service_ms", 0) / 1000)
    if attempt < script.get("fail_attempts", 0):
        message = "failed because the task says so"
        raise Failed(script.get("fail_kind", "retryable"), message, script.get("retry_after_ms"))
    return asked, {"service_ms": script.get("service_ms", 0)}


def token(model):
    plain = re.sub(rb"[^A-Za-z0-9_-]", b"_", model.encode()).decode()
    return plain if plain == model else f"{plain}-{hashlib.sha256(model.encode()).hexdigest()[:8]}"


def once(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a field is given twice")
    return dict(pairs)


class Task:
    """A delivered message: first what every one has, then what `read` finds in it."""

    def __init__(self, msg):
        self.lane, self.klass, self.token, self.shard = msg.subject.split(".")[2:]
        self.headers, self.body, self.reply = dict(msg.headers or {}), msg.data, msg.reply
        # $JS.ACK.<stream>.<consumer>.<…>, or with domain and account in front of the stream.
        numbers = msg.reply.split(".")[4:9] if msg.reply.count(".") == 8 else msg.reply.split(".")[6:11]
        self.deliveries, self.sequence, _, stored_ns, _ = map(int, numbers)
        self.stored_ms, self.started_ms = stored_ns // 1_000_000, time.time() * 1000
        self.id, self.hop, self.fence, self.stopped = f"{self.lane}-{self.sequence}", 0, 0, False

    def read(self, timeout_ms):
        """The input; ValueError when this is no task."""
        named = self.headers.get("Fl-Task-Id")
        self.id = named if legal(named) else self.id
        kind = self.headers.get("Content-Type", "")
        packed = kind.endswith("msgpack") or (kind != "application/json" and self.body[:1] != b"{")
        body = umsgpack.unpackb(self.body) if packed else json.loads(self.body, object_pairs_hook=once)
        if not isinstance(body, dict):
            raise ValueError("the body is no map")
        self.id = next((name for name in (named, body.get("task_id")) if legal(name)), self.id)
        for name in [n for n in INTEGERS if not re.fullmatch("[0-9]+", self.headers.get(f"Fl-{n}", "0"))]:
            raise ValueError(f"Fl-{name}: not a number")
        self.complete = all(name in self.headers for name in COMPLETE)

        def fact(header, field, default):
            from_body = None if self.complete else body.get(field)
            return self.headers.get(header, default if from_body is None else from_body)

        self.hop, self.attempt, self.fence = (int(self.headers.get(f"Fl-{n}", 0)) for n in ("Hop", "Attempt", "Fence"))
        self.enqueued_ms = int(self.headers.get("Fl-Enqueued-At", self.stored_ms))
        self.tenant, self.callback = fact("Fl-Tenant", "tenant", "default"), fact("Fl-Callback", "callback_url", None)
        self.timeout_ms = int(fact("Fl-Timeout-Ms", "timeout_ms", timeout_ms))
        if not isinstance(body.get("model"), str) or "input" not in body:
            raise ValueError("model and input are required")
        if token(unquote(self.headers.get("Fl-Model", body["model"]))) != self.token:
            raise ValueError("the model is not that of the subject")
        if not legal(named or body.get("task_id") or self.id):
            raise ValueError("not a legal task_id")
        return body["input"]


def legal(name):
    return isinstance(name, str) and re.fullmatch("[A-Za-z0-9_-]{1,128}", name)


class Turns:
    """Which consumer is asked next: of those not known to be empty, one of the class that had least for its share."""

    def __init__(self, shares):
        self.shares, self.had, self.now, self.quiet, self.asked = shares, {}, 0.0, {}, {}

    def next(self, consumers):
        now = time.monotonic()
        awake = [c for c in consumers if self.quiet.get(c, 0) <= now]
        chosen = min(awake or consumers, key=lambda c: (self.had.get(klass(c), 0) if awake else 0, self.asked.get(c, 0)))
        self.asked[chosen] = now
        self.now = max(self.now, self.had.get(klass(chosen), 0)) if awake else self.now
        self.charge(chosen, 1)
        return chosen, ASK_MS if awake else WAIT_MS

    def came(self, consumer, task):
        if not task:
            self.charge(consumer, -1)
            self.quiet[consumer] = time.monotonic() + QUIET_S
        elif self.quiet.pop(consumer, None):  # Nobody saves up while there is nothing to do.
            self.had[klass(consumer)] = max(self.had[klass(consumer)], self.now)

    def charge(self, consumer, tasks):
        share = self.shares.get(klass(consumer), 1)
        self.had[klass(consumer)] = self.had.get(klass(consumer), self.now) + tasks / share


def klass(consumer):
    return consumer[1].split("=")[0]


class Worker:
    def __init__(self, nc, options):
        self.nc, self.js, self.options = nc, nc.jetstream(), options
        self.consumers, self.running, self.stopping = [], {}, asyncio.Event()
        self.turns = Turns(dict(options.share))

    async def discover(self):
        """Keeps the list of the consumers of our models; the coordinator makes them."""
        tokens = [token(model) for model in self.options.models]
        while True:
            found = []
            for stream in ("FL_CORE", "FL_NORMAL"):
                offset = 0
                while page := await patient(self.js.consumers_info, stream, offset):
                    found += [(stream, c.name, c.config.ack_wait) for c in page if c.name.split("=")[1:2] in [[t] for t in tokens]]
                    offset += len(page)
            self.consumers = found
            await asyncio.sleep(5 if found else 0.25)

    async def slot(self):
        """One place to execute: one consumer, one pull, one task at a time."""
        inbox, waiting = self.nc.new_inbox(), None

        async def arrived(msg):
            if waiting and not waiting.done():
                waiting.set_result(msg if msg.reply else None)  # A status has no reply: nothing came.
            elif msg.reply:
                await self.nc.publish(msg.reply, b"-NAK")  # An answer to an old pull: nobody is free for it.

        answers, stop = await self.nc.subscribe(inbox, cb=arrived), asyncio.create_task(self.stopping.wait())
        while not self.stopping.is_set():
            if not self.consumers:
                await asyncio.wait([stop], timeout=0.05)
                continue
            chosen, expires_ms = self.turns.next(self.consumers)
            stream, consumer, ack_wait = chosen
            waiting = asyncio.get_running_loop().create_future()
            pull = json.dumps({"batch": 1, "expires": expires_ms * 1_000_000}).encode()
            await self.nc.publish(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}", pull, reply=inbox)
            await asyncio.wait([waiting, stop], timeout=expires_ms / 1000 + 1, return_when=asyncio.FIRST_COMPLETED)
            msg = waiting.result() if waiting.done() else waiting.cancel() and None
            self.turns.came(chosen, msg)
            if msg and self.stopping.is_set():
                await self.nc.publish(msg.reply, b"-NAK")
            elif msg:
                await self.serve(Task(msg), ack_wait)
        await answers.drain()  # Drops an open pull; what was on its way is handed back by `arrived`.

    async def serve(self, task, ack_wait):
        alive = asyncio.create_task(self.keep_alive(task, ack_wait / 3))
        try:
            await self.decide(task)
            await self.nc.publish(task.reply, b"+ACK")  # Only now: everything above has its PubAck.
        except asyncio.CancelledError:
            await self.nc.publish(task.reply, b"-NAK")  # The grace time is over.
        finally:
            alive.cancel()

    async def keep_alive(self, task, every):
        while True:
            await asyncio.sleep(every)
            await self.nc.publish(task.reply, b"+WPI")

    async def decide(self, task):
        """Everything between delivery and ack."""
        try:
            asked = task.read(self.options.timeout_ms)
        except Exception as error:
            return await self.report(task, Failed("malformed", str(error)))
        if task.deliveries > 1 or task.hop > 0:
            if record := await self.record(task):
                return await self.call_back(task, record["Fl-Hop"])
        if task.deliveries > self.options.crash_limit:
            return await self.report(task, Failed("suspected_poison", f"delivered {task.deliveries} times"))
        self.running[task] = execution = asyncio.create_task(run(asked, task.attempt))
        try:
            output, usage = await asyncio.wait_for(execution, task.timeout_ms / 1000)
            await self.complete(task, output, usage)
        except asyncio.TimeoutError:
            await self.report(task, Failed("timeout", f"no output within {task.timeout_ms} ms"))
        except asyncio.CancelledError:
            if not task.stopped:
                raise
            await self.call_back(task, task.stopped["Fl-Hop"])
        except Failed as failed:
            await self.report(task, failed)
        except Exception as error:
            await self.report(task, Failed("retryable", repr(error)))
        finally:
            del self.running[task]

    async def complete(self, task, output, usage):
        exec_ms, fence = int(time.time() * 1000 - task.started_ms), task.fence
        queued_ms, worker = max(0, int(task.started_ms) - task.enqueued_ms), self.options.worker_id
        body = {"task_id": task.id, "state": "completed", "output": output, "usage": usage, "error": None,
                "worker": worker, "attempt": task.attempt, "queued_ms": queued_ms, "exec_ms": exec_ms}
        headers = {"Fl-Version": "1", "Fl-State": "completed", "Fl-Hop": task.hop, "Fl-Attempt": task.attempt,
                   "Fl-Class": task.klass, "Fl-Tenant": task.tenant, "Fl-Worker": quote(worker),
                   "Fl-Queued-Ms": queued_ms, "Fl-Exec-Ms": exec_ms, "Content-Type": "application/json"}
        data = json.dumps(body).encode()
        if len(data) > self.nc.max_payload - 65536:
            raise Failed("result_too_large", f"the result has {len(data)} bytes")
        while True:
            headers["Nats-Expected-Last-Subject-Sequence"] = fence
            if await self.publish(f"fl.result.{task.id}", data, headers):
                return await self.call_back(task, task.hop)
            if record := await self.last(task):  # Refused: ours from an earlier try, or somebody else's.
                return await self.call_back(task, record["Fl-Hop"])
            fence = 0  # The record that Fl-Fence names has aged out: nothing stands any more.

    async def report(self, task, failed):
        headers = {name: value for name, value in task.headers.items() if not name.lower().startswith("nats-")}
        headers.setdefault("Fl-Enqueued-At", task.stored_ms)
        if not all(name in headers for name in COMPLETE):
            headers.pop("Fl-Version", None)  # The id below must not make incomplete headers look complete.
        headers |= {"Fl-Task-Id": task.id, "Fl-Shard": task.shard, "Fl-Error-Kind": failed.kind,
                    "Fl-Error": quote(str(failed).encode()[:512].decode(errors="ignore")),
                    "Fl-Delivered": task.deliveries, "Fl-Worker": quote(self.options.worker_id),
                    "Fl-Exec-Ms": int(time.time() * 1000 - task.started_ms), "Nats-Msg-Id": f"report:{task.id}:{task.hop}"}
        if failed.retry_after_ms is not None:
            headers["Fl-Retry-After"] = failed.retry_after_ms
        await self.publish(f"fl.retry.report.{task.lane}.{task.klass}.{task.token}", task.body, headers)

    async def call_back(self, task, hop):
        if task.callback:
            headers = {"Fl-Version": "1", "Fl-Task-Id": task.id, "Fl-Callback": task.callback, "Fl-Hop": hop,
                       "Nats-Msg-Id": f"callback:{task.id}:{hop}"}
            await self.publish(f"fl.callback.due.{task.id}", b"", headers)

    async def publish(self, subject, data, headers):
        """Until the PubAck comes; False when the fence refuses."""
        headers = {name: str(value) for name, value in headers.items()}
        while True:
            try:
                return await self.js.publish(subject, data, headers=headers)
            except (nats.errors.Error, asyncio.TimeoutError) as error:
                if isinstance(error, APIError) and error.err_code == 10071:
                    return False
                print(f"{subject}: {error}; trying again", file=sys.stderr)
                await asyncio.sleep(1)

    async def last(self, task):
        """The headers of the last record of a task, with Nats-Sequence."""
        try:
            return (await patient(self.js.get_last_msg, "FL_RESULTS", f"fl.result.{task.id}", True)).headers
        except NotFoundError:
            return None

    async def record(self, task):
        """The same of the record that decides it."""
        found = await self.last(task)
        return found if found and int(found["Nats-Sequence"]) > task.fence and found.get("Fl-State") in TERMINAL else None

    async def cancelled(self, msg):
        for task, execution in list(self.running.items()):
            if msg.subject == f"fl.ctl.cancel.{task.id}":
                task.stopped = await self.record(task)
                if task.stopped:  # Otherwise nothing stands behind the notice, and an ack would lose the task.
                    execution.cancel()


async def patient(call, *arguments):
    """Asks until the server answers."""
    while True:
        try:
            return await call(*arguments)
        except NotFoundError:
            raise
        except (nats.errors.Error, asyncio.TimeoutError) as error:
            print(f"{arguments}: {error}; trying again", file=sys.stderr)
            await asyncio.sleep(1)


def share(text):
    name, number = text.split("=")
    return name, float(number)


async def main():
    parser = argparse.ArgumentParser(description="A Fairlane worker in Python.")
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--share", action="append", default=[], type=share, metavar="CLASS=N", help="1 unless given")
    parser.add_argument("--worker-id", default=f"python-{os.getpid()}-{time.time_ns():x}")
    parser.add_argument("--timeout-ms", type=int, default=10_000, help="for tasks without one of their own")
    parser.add_argument("--crash-limit", type=int, default=5)
    parser.add_argument("--drain-ms", type=int, default=30_000)
    options = parser.parse_args()
    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"), max_reconnect_attempts=-1)
    worker = Worker(nc, options)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, worker.stopping.set)
    await nc.subscribe("fl.ctl.cancel.*", cb=worker.cancelled)
    discovery = asyncio.create_task(worker.discover())
    slots = [asyncio.create_task(worker.slot()) for _ in range(options.slots)]
    print("taking tasks", file=sys.stderr, flush=True)
    await worker.stopping.wait()
    _, late = await asyncio.wait(slots, timeout=options.drain_ms / 1000)
    for slot in late:
        slot.cancel()
    discovery.cancel()
    await asyncio.gather(*slots, discovery, return_exceptions=True)
    await nc.flush()
    await nc.close()


asyncio.run(main())
