"""Messages to people and other systems: notices, e-mail, webhooks, sent from an outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Messages to people and other systems: notices, e-mail, webhooks, sent from an outbox."""
    from datetime import timedelta

    from flask_babel import lazy_gettext as _l

    from app.core.configuration.kinds import Group, Setting
    from app.core.messages.access import GRANTS
    from app.core.messages.delivery import deliver, purge
    from app.core.messages.models import Webhook
    from app.core.messages.services import unread
    from app.core.messages.views import GoPage, NoticePage, OutboxView, WebhookView
    from app.core.registry import MenuCount, Recurring

    registry.grants(GRANTS)
    registry.contribute(
        Setting(
            code="webhooks", title=_l("Webhooks"), group=Group.SYSTEMS, view=WebhookView, models=(Webhook,), icon="send",
            counted=lambda: [Webhook.active], sentence=_l("Other systems and group bots that are told what happens here."),
        )
    )  # fmt: skip
    registry.view(NoticePage, label=_l("Notices"), icon="bell")
    registry.view(GoPage)
    registry.view(WebhookView, label=_l("Webhooks"), category=_l("Settings"), icon="send")
    registry.view(OutboxView, label=_l("Outbox"), category=_l("Settings"), icon="mail")
    registry.contribute(
        Recurring(name="messages.deliver", title=_l("Messages sent"), every=timedelta(seconds=15), work=deliver)
    )
    registry.contribute(
        Recurring(name="messages.purge", title=_l("Old messages removed"), every=timedelta(days=1), work=purge)
    )
    registry.contribute(
        MenuCount(
            name="notices", title=_l("Unread notices"), endpoint="NoticePage.index", icon="bell", count=unread, order=90
        )
    )
