"""Reads `multipart/form-data`: how documented scripts take an image."""

from __future__ import annotations

import io
import shutil
from email.message import Message
from typing import Any


class Upload:
    """One file of a form; reads like the file itself, as Pillow and pandas want it."""

    def __init__(self, name: str, filename: str, content_type: str, data: bytes) -> None:
        self.name = name
        self.filename = filename
        self.content_type = content_type
        self.mimetype = content_type.partition(";")[0].strip().lower()
        self.stream = io.BytesIO(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def __iter__(self) -> Any:
        return iter(self.stream)

    def save(self, target: Any) -> None:
        """To a path or an open file."""
        if hasattr(target, "write"):
            shutil.copyfileobj(self.stream, target)
            return
        with open(target, "wb") as file:
            shutil.copyfileobj(self.stream, file)


def read_multipart(content_type: str, body: bytes) -> tuple[list[tuple[str, str]], list[tuple[str, Upload]]]:
    """Fields and files, by name. What has no name is left out."""
    fields: list[tuple[str, str]] = []
    uploads: list[tuple[str, Upload]] = []
    boundary = _parameter("content-type", content_type, "boundary")
    if not boundary:
        return fields, uploads
    # The first boundary has no line before it.
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:]:
        head, found, data = piece.partition(b"\r\n\r\n")
        if piece.startswith(b"--") or not found:
            continue
        headers = _headers(head)
        disposition = headers.get("content-disposition", "")
        name = _parameter("content-disposition", disposition, "name")
        filename = _parameter("content-disposition", disposition, "filename")
        if name is None:
            continue
        if filename is None:
            fields.append((name, data.decode(errors="replace")))
        else:
            uploads.append((name, Upload(name, filename, headers.get("content-type", ""), data)))
    return fields, uploads


def _headers(head: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in head.decode(errors="replace").split("\r\n"))
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _parameter(header: str, value: str, name: str) -> str | None:
    message = Message()
    message[header] = value
    found = message.get_param(name, header=header)
    return found if isinstance(found, str) else None
