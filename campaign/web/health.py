"""For machines: whether the pages are alive, and figures for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from campaign.condition import condition_of, figures_of
from campaign.web.door import Here, is_local

routes = APIRouter()
FIGURES = {
    "overdue": ("kreativorte_announcements_overdue", "Announcements that wait ten minutes past their instant."),
    "brake": ("kreativorte_brake_engaged", "1 while the emergency brake is on."),
    "daemon_seen": ("kreativorte_daemon_seen_timestamp_seconds", "When a daemon last gave a sign of life; 0: never."),
    "channels": ("kreativorte_channels", "Channels that are not removed."),
    "channels_signed_out": ("kreativorte_channels_signed_out", "Channels that must be connected again."),
}


@routes.get("/healthz")
def alive(request: Request, visitor: Here) -> Response:
    """200 while the pages and their database answer."""
    condition_of(visitor.app)
    return PlainTextResponse("ok\n")


@routes.get("/metrics")
def metrics(request: Request, visitor: Here) -> Response:
    """For loopback without a proxy between, or with a token of the scope `metrics`."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    known = scheme.lower() == "bearer" and visitor.app.access.bearer(secret.strip(), "metrics") is not None
    if not known and not is_local(request):
        return PlainTextResponse("A token of the scope metrics is needed.\n", 401, {"www-authenticate": "Bearer"})
    return Response(exposition(figures_of(visitor.app)), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def exposition(figures: dict[str, float]) -> bytes:
    """Figures in Prometheus' text format."""
    registry = CollectorRegistry()
    states = Gauge("kreativorte_announcements", "Announcements by state.", ["state"], registry=registry)
    for name, value in figures.items():
        kind, _, state = name.partition(":")
        if state:
            states.labels(state).set(value)
        else:
            title, meaning = FIGURES[kind]
            Gauge(title, meaning, registry=registry).set(value)
    return generate_latest(registry)
