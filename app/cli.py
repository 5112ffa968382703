"""The commands of the program. Every command but ``clauses`` runs inside the application as the system actor."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator

import click

import config
from app.commanding import with_app


def main() -> None:
    """Run the command line; a bad setting stops with one clear line and exit code 2."""
    try:
        settings = config.load()
    except config.SettingsError as error:
        sys.exit(f"guanjia: {error}")
    for command in _commands_of_modules():
        commands.add_command(command)
    commands(obj=settings)


def _commands_of_modules() -> Iterator[click.Command]:
    """The top-level commands that modules state in their ``commands.py`` as ``COMMANDS``."""
    from app import MODULES

    for name in MODULES:
        if importlib.util.find_spec(f"{name}.commands"):
            yield from importlib.import_module(f"{name}.commands").COMMANDS


@click.group()
def commands() -> None:
    """Guanjia 管家 — the customer-service desk of a property service centre."""


@commands.command()
@click.pass_obj
def serve(settings: config.Settings) -> None:
    """Serve the application with its background worker."""
    from app.server import serve as run_server

    run_server(settings)


@commands.command()
@click.pass_obj
def up(settings: config.Settings) -> None:
    """Prepare the database, load the demo estate when it is empty, and serve (used by make run)."""
    from dataclasses import replace

    from app.server import prepare_apart
    from app.server import serve as run_server

    settings = replace(settings, demo=True)
    prepare_apart(settings)
    run_server(settings)


@commands.command()
@click.option("--parent", type=int, help="Stop when the process with this number is gone.")
@click.pass_obj
def worker(settings: config.Settings, parent: int | None) -> None:
    """Run one background worker in the foreground."""
    from app import create_app
    from app.core.jobs.worker import main as run_worker

    run_worker(create_app(settings), parent=parent)


@commands.group()
def db() -> None:
    """Database schema: upgrade, downgrade, current."""


@db.command("upgrade")
@click.argument("revision", default="head")
@with_app
def db_upgrade(revision: str) -> None:
    """Bring the schema to REVISION (default: the newest)."""
    from flask_migrate import upgrade

    upgrade(revision=revision)


@db.command("downgrade")
@click.argument("revision", default="-1")
@with_app
def db_downgrade(revision: str) -> None:
    """Take the schema back to REVISION (default: one step)."""
    from flask_migrate import downgrade

    downgrade(revision=revision)


@db.command("current")
@with_app
def db_current() -> None:
    """Print the revision the database stands at."""
    from flask_migrate import current

    current()


@db.command("revision")
@click.option("-m", "--message", required=True)
@with_app
def db_revision(message: str) -> None:
    """Draft a migration from the difference between models and database."""
    from flask_migrate import migrate

    migrate(message=message)


@commands.group()
def permissions() -> None:
    """Roles and rights."""


@permissions.command("sync")
@with_app
def permissions_sync() -> None:
    """Write the rights that modules state into the role tables."""
    from app.core.access.sync import sync_permissions
    from app.core.registry import registry
    from app.extensions import db as database

    changed = sync_permissions(database.session, registry().rights)
    database.session.commit()
    click.echo(f"{changed} rights changed.")


@commands.group()
def account() -> None:
    """Login accounts."""


@account.command("create")
@click.argument("username")
@click.option("--name", required=True, help="Name of the person.")
@click.option("--role", "roles", multiple=True, required=True, help="Role, such as receptionist; may be repeated.")
@click.option(
    "--estate", "codes", multiple=True, required=True, help="Code of an estate the person serves; may be repeated."
)
@click.password_option(help="First password; it has to be changed at the first login.")
@with_app
def account_create(username: str, name: str, roles: tuple[str, ...], codes: tuple[str, ...], password: str) -> None:
    """Create the account USERNAME."""
    from sqlalchemy import select

    from app.core.access.accounts import create_account
    from app.core.access.actor import current_actor
    from app.core.access.roles import Role
    from app.core.records.estate import Estate
    from app.core.workflow.table import Blocked
    from app.extensions import db as database

    try:
        wanted = [Role(role) for role in roles]
    except ValueError:
        raise click.ClickException(f"Roles are: {', '.join(role.value for role in Role)}.") from None
    estates = list(database.session.scalars(select(Estate).where(Estate.code.in_(codes))))
    if len(estates) != len(set(codes)):
        raise click.ClickException("There is no such estate. Create it with: run.py estate create")
    try:
        create_account(
            database.session, username=username, name=name, password=password, roles=wanted, estates=estates,
            actor=current_actor(), must_change_password=True,
        )  # fmt: skip
    except Blocked as refused:
        raise click.ClickException(" ".join(refused.reasons)) from refused
    database.session.commit()
    click.echo(f"Account {username} created.")


@commands.group()
def demo() -> None:
    """The demo estate."""


@demo.command("load")
@with_app
def demo_load() -> None:
    """Load the demo estate, its people, cases and accounts into an empty database."""
    from app.desk.demo import load_demo

    click.echo(load_demo())


@commands.group()
def audit() -> None:
    """The change log."""


@audit.command("verify")
@with_app
def audit_verify() -> None:
    """Check the hash chain of the change log; names the first broken entry."""
    from app.core.audit.log import verify
    from app.extensions import db as database

    broken = verify(database.session)
    if broken:
        sys.exit(f"Chain {broken.chain} is broken at entry {broken.seq} (row {broken.entry_id}): {broken.reason}.")
    click.echo("The change log is intact.")


@commands.group()
def keys() -> None:
    """Encryption keys of personal data."""


@keys.command("rotate")
@with_app
def keys_rotate() -> None:
    """Add a new encryption key and write all personal data anew with it."""
    from app.core.access.rotation import rotate
    from app.extensions import db as database

    count = rotate(database.session)
    click.echo(f"New key in use; {count} values written anew.")


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print {clause: [tests]} as JSON.")
def clauses(as_json: bool) -> None:
    """Show which clauses of the service manual are covered by tests."""
    from app.core.clauses import report

    click.echo(report(as_json=as_json))


@commands.command()
@with_app
def workflows() -> None:
    """Print every workflow as a Mermaid diagram."""
    from app.core.registry import registry

    for name, workflow in registry().workflows.items():
        click.echo(f"## {name}\n\n```mermaid\n{workflow.mermaid()}\n```\n")


@commands.group()
def translations() -> None:
    """Catalogues: update, check."""


@translations.command("update")
def translations_update() -> None:
    """Collect the translatable strings into the Chinese catalogue and compile it."""
    from app.translating import update

    click.echo(update())


@translations.command("check")
def translations_check() -> None:
    """Fail when a string lacks its Chinese or a placeholder differs."""
    from app.translating import check

    problems = check()
    if problems:
        sys.exit("\n".join(problems))
    click.echo("Every string is translated.")
