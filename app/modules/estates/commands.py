"""Commands for estates."""

from __future__ import annotations

import click

from app.commanding import with_app


@click.group()
def estate() -> None:
    """Estates: create one, import its workbook."""


@estate.command("create")
@click.argument("code")
@click.option("--name-zh", required=True, help="Chinese name of the estate.")
@click.option("--name-en", required=True, help="English name of the estate.")
@click.option("--company-zh", default="", help="Chinese name of the property service enterprise.")
@click.option("--company-en", default="", help="English name of the property service enterprise.")
@with_app
def create(code: str, **names: str) -> None:
    """Open the estate CODE with the code lists of every module."""
    from sqlalchemy import select

    from app.core.access.actor import current_actor
    from app.core.records.estate import Estate
    from app.extensions import db
    from app.modules.estates.services import create_estate

    if db.session.scalar(select(Estate).where(Estate.code == code)):
        raise click.ClickException(f"Estate {code} exists already.")
    create_estate(db.session, actor=current_actor(), code=code, **names)
    db.session.commit()
    click.echo(f"Estate {code} is open.")


@estate.command("seed")
@with_app
def seed() -> None:
    """Bring what new versions add to the code lists into every estate; what is there stays as it is."""
    from app.extensions import db
    from app.modules.estates.services import seed_estates

    count = seed_estates(db.session)
    db.session.commit()
    click.echo(f"{count} estates are up to date.")


COMMANDS = (estate,)
