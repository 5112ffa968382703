"""``configuration export`` and ``configuration import``."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import click

from app.commanding import with_app

if TYPE_CHECKING:
    from app.core.records.estate import Estate


@click.group()
def configuration() -> None:
    """The settings of an estate as one file."""


@configuration.command("export")
@click.argument("file", type=click.File("wb"))
@click.option("--estate", "code", required=True, help="Code of the estate.")
@click.option("--part", "codes", multiple=True, help="Part of the settings; may be repeated. Without it: everything.")
@with_app
def export_command(file: BinaryIO, code: str, codes: tuple[str, ...]) -> None:
    """Write the settings of an estate to FILE (- for the standard output)."""
    from app.core.access.actor import current_actor
    from app.core.configuration.services import export, parts
    from app.extensions import db

    estate = _estate(code)
    if unknown := set(codes) - parts().keys():
        raise click.ClickException(f"There is no part {', '.join(sorted(unknown))}. Parts are: {', '.join(parts())}.")
    file.write(export(db.session, estate, codes or None, actor=current_actor()))


@configuration.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--estate", "code", required=True, help="Code of the estate.")
@click.option("--part", "codes", multiple=True, help="Import only this part; may be repeated.")
@click.option(
    "--withdraw", multiple=True, help="Take out of use what the file does not name in this part; may be repeated."
)
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@with_app
def import_command(file: BinaryIO, code: str, codes: tuple[str, ...], withdraw: tuple[str, ...], dry_run: bool) -> None:
    """Bring the settings of FILE into an estate, all in one transaction."""
    from app.core.access.actor import acting, system_actor
    from app.core.audit.log import because
    from app.core.configuration import services
    from app.core.configuration.document import MOST_BYTES, read_document
    from app.core.configuration.plan import Fate
    from app.core.records.identifiers import InvalidValue
    from app.extensions import db

    estate = _estate(code)
    try:
        document = read_document(file.read(MOST_BYTES + 1))
    except InvalidValue as error:
        raise click.ClickException(str(error)) from error
    work = services.dry_run if dry_run else services.carry_out
    with acting(system_actor(estate_id=estate.id)) as actor, because(services.reason(file.name)):
        plan = work(db.session, estate.id, document, chosen=codes or None, withdraw=withdraw, actor=actor)
        db.session.commit()
    for line in plan.lines:
        if line.fate not in (Fate.SAME, Fate.KEPT):
            click.echo(f"{line.part} {' '.join(line.key)}: {line.fate}{f' – {line.problem}' if line.problem else ''}")
            for where, old, new in line.changes:
                click.echo(f"    {where}: {old!r} → {new!r}")
    tally = ", ".join(f"{fate.value} {n}" for fate in Fate if (n := sum(line.fate == fate for line in plan.lines)))
    click.echo(f"{'Would be' if dry_run else 'Done'}: {tally or 'nothing'}.")


def _estate(code: str) -> Estate:
    from sqlalchemy import select

    from app.core.records.estate import Estate
    from app.extensions import db

    found = db.session.scalar(select(Estate).where(Estate.code == code))
    if found is None:
        raise click.ClickException(f"There is no estate {code}.")
    return found


COMMANDS = (configuration,)
