"""A handler that breaks the contract as its task's input says: {"do": WHAT}, on the first attempt unless
"always" is given. Without the helper, which would not let it. Otherwise it answers its process id and attempt.

Arguments: `--first-only FILE` never gets ready again once it was; `--mute` never does; `--banner` greets first.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def misbehave(do, task):
    me = os.getpid()
    if do == "exit":
        sys.stderr.write("first words\nout of luck\n")
        sys.stderr.flush()
        os._exit(3)
    if do == "signal":
        os.kill(me, signal.SIGSEGV)
    if do == "garbage":
        sys.stdout.write("Loading weights...\n")
        sys.stdout.flush()
    if do == "foreign":
        say({"task_id": "another", "ok": 1})
    if do == "long":
        sys.stdout.write("x" * (9 << 20))
        sys.stdout.flush()
    if do == "leak":
        hoard = []
        while True:
            hoard.append(bytearray(1 << 20))
    if do in ("hang", "hang_with_child"):
        if do == "hang_with_child":
            child = subprocess.Popen(["sleep", "infinity"])
            with open(task["input"]["note"] + ".new", "w") as note:
                note.write("%d %d" % (me, child.pid))
            os.rename(task["input"]["note"] + ".new", task["input"]["note"])
        time.sleep(3600)
    if do == "tell":
        with socket.create_connection(("127.0.0.1", task["input"]["port"])) as test:
            test.sendall(str(me).encode())
        time.sleep(3600)
    if do == "twice":
        say({"task_id": task["task_id"], "ok": {"pid": me, "attempt": task["attempt"]}})
    if do == "flood":
        line = "flood " * 20 + "\n"
        for _ in range(200_000):
            sys.stderr.write(line)
    if do == "sleep":
        time.sleep(task["input"]["ms"] / 1000)


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--first-only"]:
        if os.path.exists(arguments[1]):
            sys.exit("not a second time")
        open(arguments[1], "w").close()
    if arguments == ["--mute"]:
        time.sleep(3600)
    if arguments == ["--banner"]:
        print("Welcome!", flush=True)
    say({"ready": 1})
    for line in sys.stdin:
        task = json.loads(line)
        given = task["input"]
        if isinstance(given, dict) and (task["attempt"] == 0 or given.get("always")):
            misbehave(given["do"], task)
        say({"task_id": task["task_id"], "ok": {"pid": os.getpid(), "attempt": task["attempt"]}})


main()
