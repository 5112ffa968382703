"""Comments on records, with mentions."""

from flask_babel import lazy_gettext as _l

from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Comments on records, with mentions."""
    from app.core.comments.services import MENTIONED
    from app.core.messages.kinds import MessageEvent

    registry.contribute(
        MessageEvent(
            code=MENTIONED,
            title=_l("You are mentioned in a comment"),
            sentence=_l("%(actor)s mentioned you in a comment on %(label)s."),
        )
    )
