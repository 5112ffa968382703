from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Nothing to register yet."""
