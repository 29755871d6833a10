"""Static files, read once, served under a name that carries their content's hash."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

HASH_CHARS = 12
# A hashed name never changes its content, so a browser need never ask again (RFC 8246).
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
COMPRESSED_ALREADY = frozenset({".woff2", ".png", ".jpg", ".webp", ".gz"})
_NAMED = re.compile(rb"/static/([\w.-]+\.(?!css)\w+)")


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    gzipped: bytes | None
    media_type: str
    digest: str


class StaticFiles:
    """The files of `folders` (the later wins where a name comes twice), held in memory: there are few, and they are small."""

    def __init__(self, *folders: Path) -> None:
        self._files: dict[str, _File] = {}
        paths = {path.name: path for folder in folders for path in folder.iterdir() if path.is_file()}
        # Stylesheets last: the files that they name are named with their hash, or a browser would fetch the typeface twice.
        for name in sorted(paths, key=lambda name: (name.endswith(".css"), name)):
            body = paths[name].read_bytes()
            if name.endswith(".css"):
                body = _NAMED.sub(lambda named: self.url(named[1].decode()).encode(), body)
            self._files[name] = _file(name, body)

    def url(self, name: str) -> str:
        """Give the path of `name` with its content's hash, e.g. `/static/style.1f0c.css`; `KeyError` if there is none."""
        stem, dot, suffix = name.rpartition(".")
        return f"/static/{stem}.{self._files[name].digest}{dot}{suffix}"

    async def serve(self, request: Request) -> Response:
        """Answer `GET /static/{name}`, with or without the hash; an outdated hash gets today's content, uncached."""
        asked: str = request.path_params["name"]
        stem, _, suffix = asked.rpartition(".")
        plain, _, digest = stem.rpartition(".")
        file = self._files.get(f"{plain}.{suffix}") or self._files.get(asked)
        if file is None:
            return PlainTextResponse("not found", status_code=404)
        etag = f'"{file.digest}"'
        headers = {
            "Cache-Control": FOR_EVER if digest == file.digest else ASK_AGAIN,
            "ETag": etag,
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        if file.gzipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.gzipped, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"})
        return Response(file.body, media_type=file.media_type, headers=headers)


def _file(name: str, body: bytes) -> _File:
    suffix = Path(name).suffix
    media_type = {".woff2": "font/woff2", ".js": "text/javascript"}.get(suffix) or mimetypes.guess_type(name)[0]
    return _File(
        body=body,
        gzipped=None if suffix in COMPRESSED_ALREADY else gzip.compress(body, mtime=0),
        media_type=media_type or "application/octet-stream",
        digest=hashlib.sha256(body).hexdigest()[:HASH_CHARS],
    )
