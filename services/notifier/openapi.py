"""The published description of the officials' page: what a link opens and what its forms send.

The page is for people; this is for whoever puts a desk of their own in front of it, and for those who review what a link can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import HTMLResponse, Response

from services.notifier.acts import LONGEST_NOTE_CHARS, NOTED, SHORTEST_NOTE_CHARS, Act
from tanggap.platform.pages import LANGUAGES

_TAG: Final = ["officials' page"]
_LANG: Final = {
    "name": "lang",
    "in": "query",
    "required": False,
    "description": "The page's language; without it the browser's, and Indonesian if that is neither.",
    "schema": {"type": "string", "enum": list(LANGUAGES)},
}
_TOKEN: Final = {
    "name": "token",
    "in": "path",
    "required": True,
    "description": "From the link in an alert: signed, opens one complaint for one office, until it expires.",
    "schema": {"type": "string"},
}


def _pages(**answers: str) -> dict[int | str, dict[str, Any]]:
    """Answers that are pages, by `status_NNN`."""
    return {
        int(name.removeprefix("status_")): {"description": said, "content": {"text/html": {"schema": {"type": "string"}}}}
        for name, said in answers.items()
    }


_REFUSED: Final = _pages(
    status_404="No link of ours.",
    status_410="The link has expired, or the office was given to somebody else.",
    status_500="Something broke; the form is there again with what was written.",
    status_503="Not available at the moment; `Retry-After` says when to try again.",
)

OPEN: Final[Mapping[str, Any]] = {
    "response_class": HTMLResponse,
    "tags": _TAG,
    "operation_id": "open_complaint",
    "summary": "Show the complaint; changes nothing, whoever asks",
    "responses": {
        **_pages(
            status_200="The complaint, and the acts that are possible now; none for an office that was told for its information."
        ),
        **_REFUSED,
    },
    "openapi_extra": {
        "parameters": [
            _TOKEN,
            _LANG,
            {
                "name": "done",
                "in": "query",
                "required": False,
                "description": "The event of the act that led here; the page confirms it.",
                "schema": {"type": "string"},
            },
        ]
    },
}

ACT: Final[Mapping[str, Any]] = {
    "status_code": 303,
    "response_class": Response,
    "tags": _TAG,
    "operation_id": "act_on_complaint",
    "summary": "Take the complaint to hand, resolve it or reject it",
    "responses": {
        303: {
            "description": "Done, once; sending the same form again changes nothing.",
            "headers": {"Location": {"description": "The page as it now stands.", "schema": {"type": "string"}}},
        },
        **_pages(
            status_400="Not a form of this page.",
            status_403="The link is of an office that was told for its information; it only shows the complaint.",
            status_409="Another office acted since the page was read, or the act is no longer possible; the page says which.",
            status_422="The note is missing, too short or too long; the form is there again with what was written.",
        ),
        **_REFUSED,
    },
    "openapi_extra": {
        "parameters": [_TOKEN, _LANG],
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "required": ["act", "nonce"],
                        "properties": {
                            "act": {"type": "string", "enum": [act.value for act in Act]},
                            "nonce": {
                                "type": "string",
                                "format": "uuid",
                                "description": "The form's own: sent twice it makes one act.",
                            },
                            "as_of": {
                                "type": "string",
                                "description": "The last act that the reader saw, as the page gave it; empty if none.",
                            },
                            "note": {
                                "type": "string",
                                "description": f"For the public: {SHORTEST_NOTE_CHARS} to {LONGEST_NOTE_CHARS} characters with "
                                f"{' or '.join(act.value for act in Act if act in NOTED)}, else ignored.",
                            },
                        },
                    }
                }
            },
        },
    },
}

SEEN: Final[Mapping[str, Any]] = {
    "status_code": 204,
    "response_class": Response,
    "tags": _TAG,
    "operation_id": "complaint_seen",
    "summary": "A human sign from the page's script: the official has seen the complaint",
    "responses": {204: {"description": "Noted, once for each alert."}, **_REFUSED},
    "openapi_extra": {"parameters": [_TOKEN]},
}
