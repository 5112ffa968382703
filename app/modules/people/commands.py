"""The command that imports a handover workbook."""

from __future__ import annotations

from pathlib import Path

import click

from app.commanding import with_app
from app.modules.estates.commands import estate


@estate.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--estate", "code", required=True, help="Code of the estate.")
@click.option("--dry-run", is_flag=True, help="Only say what the import would do.")
@click.option(
    "--errors", type=click.Path(dir_okay=False, path_type=Path), help="Write the rows to correct to this XLSX."
)
@with_app
def import_file(file: Path, code: str, dry_run: bool, errors: Path | None) -> None:
    """Import the handover workbook FILE into an estate."""
    from dataclasses import replace

    from sqlalchemy import select

    from app.core.access.actor import acting, current_actor
    from app.core.imports.plan import carry_out
    from app.core.imports.returned import rows_to_correct
    from app.core.imports.services import plan_file
    from app.core.records.estate import Estate
    from app.core.records.identifiers import InvalidValue
    from app.extensions import db
    from app.modules.people.imports import ESTATE_WORKBOOK

    found = db.session.scalar(select(Estate).where(Estate.code == code))
    if found is None:
        raise click.ClickException(f"There is no estate {code}.")
    with acting(replace(current_actor(), estate_id=found.id)):
        try:
            plan = plan_file(db.session, ESTATE_WORKBOOK, file.read_bytes(), estate_id=found.id)
        except InvalidValue as error:
            raise click.ClickException(str(error)) from error
        for problem in plan.problems:
            click.echo(f"{problem.cell}\t{problem.severity.title}\t{problem.reason}\t{problem.action}")
        titles = {table.name: table.title for table in ESTATE_WORKBOOK.tables}
        for name, count in plan.counts.items():
            click.echo(
                f"{titles[name]}: {count.rows} rows, {count.new} new, {count.changed} changed, {count.same} unchanged, "
                f"{count.rejected} not imported."
            )
        if errors:
            errors.write_bytes(rows_to_correct(plan))
        if dry_run:
            click.echo("Dry run: nothing was changed.")
            return
        carry_out(db.session, plan)
        db.session.commit()
        click.echo("Imported.")


COMMANDS: tuple[click.Command, ...] = ()
"""The import is a command of the group ``estate``."""
