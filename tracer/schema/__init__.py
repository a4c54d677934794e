"""The trace format, version 1: its words, one line in and out. FORMAT.md is the text of it.

Shared with the viewer, hence nothing here but the standard library and orjson.
"""
