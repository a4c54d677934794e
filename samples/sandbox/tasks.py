"""Google Tasks: the lists and their tasks, to read."""

from samples.sandbox.call import Call, plays
from samples.sandbox.errors import Refused
from samples.sandbox.wire import Json

LIST_ID = "MDAwMDAwMDAwMDAwMDAwMDAwMDA6MDow"


@plays("tasks.tasklists.list")
def tasklists_list(call: Call) -> Json:
    """The one list everybody has."""
    call.user.tasks.sort(key=lambda task: str(task["updated"]))
    entry = {"kind": "tasks#taskList", "id": LIST_ID, "title": "Tasks", "etag": '"list"'}
    return {"kind": "tasks#taskLists", "etag": '"lists"', "items": [entry]}


@plays("tasks.tasks.list")
def tasks_list(call: Call) -> Json:
    """The tasks of the list, by page."""
    if call.params["tasklist"] not in (LIST_ID, "@default"):
        raise Refused("not-found")
    items, following = call.page(call.user.tasks, call.number("maxResults", 20, 1, 100))
    answer: Json = {"kind": "tasks#tasks", "etag": '"tasks"', "items": items}
    if following:
        answer["nextPageToken"] = following
    return answer
