from fairlane_handler import Permanent, Task, serve


def handle(task: Task) -> object:
    if not isinstance(task.input, str):
        raise Permanent("give a text")
    return {"echo": task.input, "attempt": task.attempt}


serve(handle)
