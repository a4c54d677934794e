"""Under which tab of the viewer a call or an exchange belongs."""

import re
from functools import lru_cache
from typing import Final

from tracer.schema.events import Topic

_METHODS: Final = {
    "gmail": "gmail",
    "directory": "directory",
    "admin": "directory",
    "groupssettings": "directory",
    "people": "contacts",
    "calendar": "calendar",
    "tasks": "calendar",
    "oauth2": "auth",
    "iamcredentials": "auth",
}
_PLACES: Final = re.compile(
    r"""^[^/]*//(?:[^/]*@)?(?:
        (?P<auth>oauth2\.[^/]*|accounts\.google\.com|iamcredentials\.[^/]*|sts\.[^/]*
            |login\.microsoftonline\.[^/]*|[^/]*/(?:o/)?oauth2/.*|[^/]*/token(?:$|\?))
        |(?P<gmail>gmail\.[^/]*|[^/]*/(?:upload/|batch/|resumable/upload/)*gmail/)
        |(?P<directory>[^/]*/(?:upload/|batch/)*admin/directory)
        |(?P<contacts>people\.[^/]*|[^/]*/(?:batch/)?(?:v1/(?:people|contactGroups|otherContacts)|people/v1|m8/feeds))
        |(?P<calendar>[^/]*/(?:batch/)?(?:calendar|tasks)/v\d)
        |(?P<ews>[^/]*/ews/)
    )""",
    re.VERBOSE | re.IGNORECASE,
)


@lru_cache(maxsize=512)
def of_method(method_id: str) -> str:
    """Return the topic of an API method, by its id."""
    return _METHODS.get(method_id.partition(".")[0], str(Topic.HTTP))


def of_url(url: str) -> str:
    """Return the topic of a URL that is not known to belong to a call."""
    return _of_place(url.partition("?")[0][:200])


@lru_cache(maxsize=512)
def _of_place(place: str) -> str:
    match = _PLACES.match(place)
    return (match.lastgroup if match else None) or str(Topic.HTTP)
