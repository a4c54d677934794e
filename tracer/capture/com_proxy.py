"""A recording stand-in for a COM object, Outlook's for one: `wrap(application, recorder, allow)`.

It works on anything shaped like pywin32's CDispatch: members are looked up by name, objects are
returned by members, and failures are exceptions that carry an HRESULT. Nested objects are wrapped
too. Values are recorded only for the members that `allow` names.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import date, time
from decimal import Decimal
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from tracer.capture import record
from tracer.capture.frame import failing
from tracer.capture.record import Record, guarded
from tracer.capture.recorder import Recorder
from tracer.capture.session import Session
from tracer.schema.events import Kind, Topic

if TYPE_CHECKING:
    from tracer.capture.redact.redactor import Notes

ALLOW: Final = frozenset(
    {"CreateItem", "GetNamespace", "GetDefaultFolder", "Send", "Display", "Save", "Close",
     "Importance", "BodyFormat", "DeleteAfterSubmit", "GetFirst", "GetNext", "Sort"}
)  # fmt: skip
"""Members of Outlook whose arguments are numbers and switches, never mail or people."""


class _How:
    """What the objects of one wrapped application have in common."""

    def __init__(
        self, recorder: Recorder, allow: Collection[str], is_object: Callable[[Any], bool]
    ) -> None:
        self.recorder = recorder
        self.allow = allow
        self.is_object = is_object

    def wrap(self, value: Any) -> Any:
        """Return `value`, wrapped if it is an object whose members can be recorded."""
        return ComProxy(value, self) if self.is_object(value) else value


def wrap(
    obj: Any,
    recorder: Recorder,
    allow: Collection[str] = ALLOW,
    is_object: Callable[[Any], bool] | None = None,
) -> Any:
    """Return a stand-in for `obj` that records each method call and each value set.

    `allow` names the members whose arguments are recorded, as ``Send`` or ``MailItem.Send``;
    of the others only types and sizes are. `is_object` tells COM objects from values and methods;
    by default an object is what has ``_oleobj_``, as pywin32's have, or is of no built-in type.
    """
    return ComProxy(obj, _How(recorder, allow, is_object or _is_object))


def unwrap(value: Any) -> Any:
    """Return the object that a stand-in stands for; any other value as it is."""
    return value.__dict__["_tracer_object"] if isinstance(value, ComProxy) else value


class ComProxy:
    """Passes everything on to the object it stands for, and records what fails or has an effect."""

    def __init__(self, obj: Any, how: _How) -> None:
        self.__dict__["_tracer_object"] = obj
        self.__dict__["_tracer_how"] = how

    def __getattr__(self, name: str) -> Any:
        obj, how = self.__dict__["_tracer_object"], self.__dict__["_tracer_how"]
        if name.startswith("__") and name.endswith("__"):
            return getattr(obj, name)
        try:
            value = getattr(obj, name)
        except AttributeError:
            raise
        except Exception as error:
            session = how.recorder.session()
            if session is not None:
                failure = error
                guarded(how.recorder, lambda: _begin(session, how, obj, name, (), {}).fail(failure))
            raise
        if how.is_object(value):
            return ComProxy(value, how)
        if callable(value):
            return _Method(obj, name, value, how)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        obj, how = self.__dict__["_tracer_object"], self.__dict__["_tracer_how"]
        plain = unwrap(value)
        _invoke(how, obj, name, (plain,), {}, lambda: setattr(obj, name, plain))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object's default member."""
        obj, how = self.__dict__["_tracer_object"], self.__dict__["_tracer_how"]
        args, kwargs = _unwrapped(args, kwargs)
        return how.wrap(_invoke(how, obj, "Item", args, kwargs, lambda: obj(*args, **kwargs)))

    def __getitem__(self, key: Any) -> Any:
        obj, how = self.__dict__["_tracer_object"], self.__dict__["_tracer_how"]
        return how.wrap(obj[unwrap(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.__dict__["_tracer_object"][unwrap(key)] = unwrap(value)

    def __iter__(self) -> Iterator[Any]:
        obj, how = self.__dict__["_tracer_object"], self.__dict__["_tracer_how"]
        return (how.wrap(value) for value in obj)

    def __len__(self) -> int:
        return len(self.__dict__["_tracer_object"])

    def __bool__(self) -> bool:
        return bool(self.__dict__["_tracer_object"])

    def __eq__(self, other: object) -> bool:
        return bool(self.__dict__["_tracer_object"] == unwrap(other))

    def __hash__(self) -> int:
        return hash(self.__dict__["_tracer_object"])

    def __str__(self) -> str:
        return str(self.__dict__["_tracer_object"])

    def __repr__(self) -> str:
        return repr(self.__dict__["_tracer_object"])

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_tracer_object"])


class _Method:
    """A bound method of a COM object; its other attributes are those of the method."""

    def __init__(self, obj: Any, name: str, method: Any, how: _How) -> None:
        self._obj = obj
        self._name = name
        self._method = method
        self._how = how

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = _unwrapped(args, kwargs)
        work = lambda: self._method(*args, **kwargs)  # noqa: E731 - one expression, used once
        return self._how.wrap(_invoke(self._how, self._obj, self._name, args, kwargs, work))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_method"], name)


def _unwrapped(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return tuple(map(unwrap, args)), {name: unwrap(value) for name, value in kwargs.items()}


def _invoke(
    how: _How,
    obj: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    work: Callable[[], Any],
) -> Any:
    """Do `work` and record it as a call with one exchange; its result or exception is passed on."""
    session = how.recorder.session()
    if session is None:
        return work()
    pair = guarded(how.recorder, lambda: _begin(session, how, obj, name, args, kwargs))
    with failing(how.recorder, pair):
        value = work()
    if pair is not None:
        guarded(how.recorder, pair.end)
    return value


class _Pair:
    """A call and its one exchange."""

    def __init__(self, call: Record, exchange: Record) -> None:
        self._call = call
        self._exchange = exchange

    def end(self) -> None:
        self._exchange.end(0, response={"hresult": 0})
        self._call.end(0)

    def fail(self, error: BaseException) -> None:
        code = hresult(error)
        more = {"response": {"hresult": code}} if code is not None else {}
        self._exchange.fail(error, code, **more)
        self._call.fail(error, code)


def _begin(
    session: Session, how: _How, obj: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> _Pair:
    member = f"{class_name(obj)}.{name}"
    shown = name in how.allow or member in how.allow
    notes: Notes = []
    values = {str(n): value for n, value in enumerate(args)} | kwargs
    kept = {
        key: value if shown and isinstance(value, str | int | float | bool | None) else _kind(value)
        for key, value in values.items()
    }
    request = {"member": name, "args": session.redactor.data(kept, notes, "request.args")}
    call = record.begin(session, Topic.MAPI, Kind.CALL, f"mapi.{member}", {}, [])
    call.enter()
    data = {"request": request}
    return _Pair(call, record.begin(session, Topic.MAPI, Kind.EXCHANGE, name, data, notes))


def _kind(value: Any) -> str:
    """Return what kind of value it was, and how long."""
    size = f" of {len(value)}" if isinstance(value, str | bytes | list | tuple) else ""
    return f"{type(value).__name__}{size}"


def class_name(obj: Any) -> str:
    """Return the name of a COM object's interface, without its underscore."""
    try:
        found = obj._oleobj_.GetTypeInfo().GetDocumentation(-1)[0]
    except Exception:  # noqa: BLE001 - an object without type information, or a double
        found = getattr(obj, "_username_", None) or type(obj).__name__
    return str(found).rpartition(".")[2].lstrip("_") or "Object"


def hresult(error: BaseException) -> int | None:
    """Return the HRESULT of a COM error as unsigned 32 bit; the more exact code inside, if any."""
    code = getattr(error, "hresult", None)
    if not isinstance(code, int):
        return None
    details = getattr(error, "excepinfo", None)
    inner = details[5] if isinstance(details, tuple) and len(details) > 5 else None
    return (inner if isinstance(inner, int) and inner else code) & 0xFFFFFFFF


def _is_object(value: Any) -> bool:
    if isinstance(value, _VALUES):
        return False
    return getattr(value, "_oleobj_", None) is not None or not callable(value)


_VALUES: Final = (
    str,
    bytes,
    int,
    float,
    complex,
    Decimal,
    tuple,
    list,
    dict,
    date,
    time,
    memoryview,
    NoneType,
)
