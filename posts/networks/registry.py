"""The networks that exist: what a page may know of each, and how a publisher is opened."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

from posts.clock import Clock, SystemClock
from posts.drafts import Draft
from posts.networks import facebook, twitter
from posts.networks.publisher import CredentialsError, Endpoint, NetworkTraits, Publisher

__all__ = ["NETWORKS", "CredentialsError", "check_credentials", "open_publisher", "price"]

NETWORKS: dict[str, NetworkTraits] = {
    "facebook": NetworkTraits(
        name="facebook",
        limits=facebook.LIMITS,
        live_base=facebook.LIVE_BASE,
        sandbox_path=facebook.SANDBOX_PATH,
        publisher=facebook.FacebookPublisher,
        price=facebook.price,
    ),
    "twitter": NetworkTraits(
        name="twitter",
        limits=twitter.LIMITS,
        live_base=twitter.LIVE_BASE,
        sandbox_path=twitter.SANDBOX_PATH,
        publisher=twitter.TwitterPublisher,
        price=twitter.price,
    ),
}

ACCOUNT_ID = re.compile(r"[A-Za-z0-9_]{1,50}")  # goes into paths as it is


def open_publisher(
    network: str, account_id: str, credentials: dict[str, Any], endpoint: Endpoint, clock: Clock | None = None
) -> Publisher:
    """A publisher for one account; no call is made yet. `clock` is the machine's where none is handed over.

    Raises CredentialsError when the account's id or the credentials can't be right, KeyError for
    an unknown network.
    """
    traits = NETWORKS[network]
    if not ACCOUNT_ID.fullmatch(account_id):
        raise CredentialsError("account_id_invalid", network)
    if not isinstance(credentials, dict):
        raise CredentialsError("credentials_no_object", network)
    plain = replace(endpoint, api_base=endpoint.api_base.rstrip("/"))
    return traits.publisher(account_id, credentials, plain, clock or SystemClock())


def check_credentials(network: str, account_id: str, credentials: dict[str, Any]) -> None:
    """Raises as `open_publisher` when no publisher could be opened with them; the network is not asked."""
    open_publisher(network, account_id, credentials, Endpoint(NETWORKS[network].live_base))


def price(network: str, draft: Draft, on: date | None = None) -> float:
    """What publishing this draft costs in USD on that day (None: by the newest price list). Raises KeyError for an
    unknown network."""
    return NETWORKS[network].price(draft, on)
