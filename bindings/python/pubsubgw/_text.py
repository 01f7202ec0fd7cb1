"""Python's text and JSON as the library takes them."""

from __future__ import annotations

import json
from typing import Any, Mapping, Optional, Union

#: JSON as text, or as what `json.dumps` makes text of.
JSON = Union[str, bytes, Mapping[str, Any]]


def json_bytes(value: JSON) -> bytes:
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def optional_bytes(value: Optional[str]) -> Optional[bytes]:
    if value is not None and "\0" in value:
        raise ValueError("a NUL, where C would take the text to end")
    return None if value is None else value.encode()


def milliseconds(seconds: float) -> int:
    return max(0, min(int(seconds * 1000), 2**31 - 1))
