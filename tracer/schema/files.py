"""The opening of a session file for appending, on every platform."""

import os
import sys
from typing import Final

MODE: Final = 0o600


def open_for_append(path: str, *, create: bool) -> int:
    """Return a descriptor whose every `os.write` lands at the end of the file, in one piece.

    It is not inherited by other programs, and on POSIX never follows a symbolic link.

    Raises:
        OSError: it cannot be opened.
    """
    if sys.platform == "win32":
        return _open_on_windows(path, create=create)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(path, flags | os.O_CREAT if create else flags, MODE)


if sys.platform == "win32":

    def _open_on_windows(path: str, *, create: bool) -> int:
        """Ask Windows itself to append: the C runtime's O_APPEND seeks and writes in two steps."""
        import ctypes
        import msvcrt
        from ctypes import wintypes

        append_data, synchronize = 0x0004, 0x00100000
        share_read_write_delete = 0x7
        open_existing, open_always = 3, 4
        create_file = ctypes.WinDLL("kernel32", use_last_error=True).CreateFileW
        create_file.restype = wintypes.HANDLE
        handle = create_file(
            wintypes.LPCWSTR(path),
            wintypes.DWORD(append_data | synchronize),
            wintypes.DWORD(share_read_write_delete),
            None,
            wintypes.DWORD(open_always if create else open_existing),
            wintypes.DWORD(0x80),  # FILE_ATTRIBUTE_NORMAL
            None,
        )
        if handle == wintypes.HANDLE(-1).value:
            raise ctypes.WinError(ctypes.get_last_error())
        return msvcrt.open_osfhandle(handle, os.O_APPEND | os.O_BINARY | os.O_NOINHERIT)
