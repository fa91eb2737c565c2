"""Webhooks as Mercado Pago sends them, signed by a second reading of billing.md D.3 (not by the code under test)."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime

import httpx


@dataclass(frozen=True)
class SignedNotice:
    """A notification ready to be sent."""

    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    async def post(self, url: str) -> int:
        """Deliver it; the status of the answer."""
        async with httpx.AsyncClient(trust_env=False, timeout=22) as http:
            answer = await http.post(url, params=self.query, headers=self.headers, content=self.body)
        return answer.status_code


def signature(secret: str, data_id: str, request_id: str, stamp: str) -> str:
    """The header x-signature."""
    manifest = f"id:{data_id};" if data_id else ""
    manifest += f"request-id:{request_id};" if request_id else ""
    manifest += f"ts:{stamp};"
    return f"ts={stamp},v1={hmac.new(secret.encode(), manifest.encode(), hashlib.sha256).hexdigest()}"


def signed_notice(
    secret: str,
    resource_id: str,
    *,
    topic: str,
    at: datetime,
    event_id: int = 12345,
    action: str = "updated",
    request_id: str = "2066ca19-c6f1-498a-be75-1923005edd06",
    lower: bool = False,
    milliseconds: bool = False,
    live: bool = True,
) -> SignedNotice:
    """`lower`: signed over the id in lower case; `milliseconds`: its time stamp counts those."""
    signed_id = resource_id.lower() if lower else resource_id
    stamp = str(int(at.timestamp() * 1000) if milliseconds else int(at.timestamp()))
    said = {
        "id": event_id,
        "live_mode": live,
        "type": topic,
        "date_created": at.isoformat(),
        "user_id": 44444,
        "api_version": "v1",
        "action": f"{topic}.{action}",
        "data": {"id": resource_id},
    }
    return SignedNotice(
        query={"data.id": resource_id, "type": topic},
        headers={
            "x-signature": signature(secret, signed_id, request_id, stamp),
            "x-request-id": request_id,
            "content-type": "application/json",
        },
        body=json.dumps(said).encode(),
    )
