"""How a test server ends its connections; what it leaves is closed by the garbage collector."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress


async def hang_up(still_open: Callable[[], Collection[asyncio.Transport]]) -> None:
    """End the connections that are `still_open`, and return when there are none.

    What runs comes to its end first, a handshake above all: asyncio loses the socket of one that is
    cancelled.
    """
    if running := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(running, timeout=2)
    for transport in still_open():
        with suppress(AttributeError):  # Python 3.11.2 cannot abort what closes: it times out
            transport.abort()
    while still_open():
        await asyncio.sleep(0.005)
