"""Messages to people and other systems: notices, e-mail, webhooks, sent from an outbox."""

from app.core.messages import models  # noqa: F401
from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Messages to people and other systems: notices, e-mail, webhooks, sent from an outbox."""
