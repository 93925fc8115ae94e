"""Submits one task to a Fairlane mesh and waits for its record. Exits with 0 when it completed.

NATS_URL=nats://127.0.0.1:4222 python submit.py echo '"hello"' --class user_auth
"""

import argparse, asyncio, hashlib, json, os, re, sys, uuid

import nats
from nats.js.errors import APIError, NotFoundError

FULL = (10023, 10047, 10077)  # The stream takes no more for now: nothing was stored.


def token(model):
    plain = re.sub(rb"[^A-Za-z0-9_-]", b"_", model.encode()).decode()
    return plain if plain == model else f"{plain}-{hashlib.sha256(model.encode()).hexdigest()[:8]}"


async def publish(js, subject, task):
    """Publishes until the stream has it. Under one message id, twice is as good as once."""
    headers = {"Nats-Msg-Id": f"task:{task['task_id']}:0", "Content-Type": "application/json"}
    while True:
        try:
            return await js.publish(subject, json.dumps(task).encode(), headers=headers)
        except (nats.errors.TimeoutError, APIError) as error:
            if isinstance(error, APIError) and error.err_code not in FULL:
                raise
            print(f"{subject}: {error}; trying again", file=sys.stderr)
            await asyncio.sleep(1)


async def record(js, task_id, heard):
    """The record as it stands in the stream. What is heard only says that it is time to look: it passes
    before it is stored, and a record that the fence refuses is heard too."""
    pause = 0.002
    while True:
        try:
            return await js.get_last_msg("FL_RESULTS", f"fl.result.{task_id}", direct=True)
        except (NotFoundError, nats.errors.TimeoutError):
            pass
        try:
            await asyncio.wait_for(heard.wait(), pause)
            heard.clear()
            pause = 0.002
        except asyncio.TimeoutError:
            pause = min(pause * 2, 2)


async def main():
    parser = argparse.ArgumentParser(description="Submit one task and wait for its record.")
    parser.add_argument("model")
    parser.add_argument("input", type=json.loads, help="JSON")
    parser.add_argument("--lane", choices=("core", "normal"), default="normal")
    parser.add_argument("--class", dest="klass", required=True)
    parser.add_argument("--task-id", default=str(uuid.uuid4()))
    options = parser.parse_args()
    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
    js, heard = nc.jetstream(), asyncio.Event()

    async def hear(_):
        heard.set()

    # Listen first, publish second: a record that comes at once is not missed.
    await nc.subscribe(f"fl.result.{options.task_id}", cb=hear)
    task = {"task_id": options.task_id, "model": options.model, "input": options.input, "class": options.klass}
    subject = f"fl.task.{options.lane}.{options.klass}.{token(options.model)}.0"
    ack = await publish(js, subject, task)
    print(f"{options.task_id} is stored as {ack.stream} {ack.seq}", file=sys.stderr)
    found = await record(js, options.task_id, heard)
    print(found.data.decode())
    await nc.close()
    return 0 if found.headers["Fl-State"] == "completed" else 1


sys.exit(asyncio.run(main()))
