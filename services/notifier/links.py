"""The link in an alert: it opens one complaint for one official, without a login, until it expires."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

# Names what is signed, so that nothing else signed with the same secret can ever pass for a link.
_SALT = "tanggap.notifier.link.v1"


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says: which alert it came with, which complaint it opens, and in whose office's name."""

    notification_id: UUID
    complaint_id: UUID
    unit_code: str
    role: str


class LinkError(Exception):
    """The link opens nothing. `expired`: it once did."""

    def __init__(self, *, expired: bool) -> None:
        super().__init__("expired" if expired else "not a link of ours")
        self.expired = expired


class Links:
    """Makes and reads links. `secret`: whoever has it can make links; `lifetime`: how long a link opens its complaint."""

    def __init__(self, secret: str, lifetime: timedelta, base_url: str) -> None:
        self._serializer = URLSafeTimedSerializer(secret, salt=_SALT)
        self.lifetime = lifetime
        self._base_url = base_url

    def token(self, link: Link) -> str:
        """Sign `link`, stamped with the present moment."""
        signed: str = self._serializer.dumps([link.notification_id.hex, link.complaint_id.hex, link.unit_code, link.role])
        return signed

    def url(self, link: Link) -> str:
        """Give the address that goes into the mail."""
        return f"{self._base_url}/c/{self.token(link)}"

    def read(self, token: str) -> Link:
        """Read a token. Raises `LinkError` where it is tampered with, made by another, or too old."""
        try:
            notification, complaint, unit_code, role = self._serializer.loads(token, max_age=int(self.lifetime.total_seconds()))
            return Link(UUID(hex=notification), UUID(hex=complaint), str(unit_code), str(role))
        except SignatureExpired as expired:
            raise LinkError(expired=True) from expired
        except (BadData, ValueError, TypeError, AttributeError) as wrong:
            raise LinkError(expired=False) from wrong
