"""The rights that modules state, written into Flask-AppBuilder's role tables, and read back for requests.

Names are exact: permission ``can_<verb>`` on view menu ``<Resource>``. No pattern is ever matched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask_appbuilder.const import PERMISSION_PREFIX
from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    ViewMenu,
    assoc_permissionview_role,
)
from flask_appbuilder.security.sqla.models import Role as FabRole
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.core.access.models import RightsVersion

Right = tuple[str, str]
"""``(verb, resource)``."""


def sync_permissions(session: Session, rights: Mapping[Any, Iterable[Right]]) -> int:
    """Make the stored rights equal to ``rights`` (role → rights) and return how many were added or removed.

    Rights that no role holds any more disappear, also those of roles that ``rights`` does not name.
    Running processes notice with their next request. The caller commits.
    """
    stated = {str(role): set(pairs) for role, pairs in rights.items()}
    roles = _ensure(session, FabRole, stated)
    wanted = {(role, *right) for role, pairs in stated.items() for right in pairs}
    stored = {(role, *right) for role, pairs in rights_of_roles(session).items() for right in pairs}
    used = {right[1:] for right in wanted}
    verbs = _ensure(session, Permission, {PERMISSION_PREFIX + verb for verb, _ in used})
    resources = _ensure(session, ViewMenu, {resource for _, resource in used})
    rows = _right_ids(session)
    missing = [
        {"permission_id": verbs[PERMISSION_PREFIX + verb], "view_menu_id": resources[resource]}
        for verb, resource in sorted(used - rows.keys())
    ]
    if missing:
        session.execute(insert(PermissionView), missing)
        rows = _right_ids(session)

    grants = assoc_permissionview_role
    if wanted - stored:
        session.execute(
            insert(grants),
            [
                {"permission_view_id": rows[verb, resource], "role_id": roles[role]}
                for role, verb, resource in sorted(wanted - stored)
            ],
        )
    for role, verb, resource in stored - wanted:
        session.execute(
            delete(grants).where(
                grants.c.permission_view_id == rows[verb, resource],
                grants.c.role_id == select(FabRole.id).where(FabRole.name == role).scalar_subquery(),
            )
        )
    unused = [rows[right] for right in rows.keys() - used]
    if unused:
        session.execute(delete(PermissionView).where(PermissionView.id.in_(unused)))
    session.execute(delete(ViewMenu).where(ViewMenu.id.not_in(select(PermissionView.view_menu_id))))
    session.execute(delete(Permission).where(Permission.id.not_in(select(PermissionView.permission_id))))

    changed = len(wanted ^ stored)
    if changed:
        _raise_version(session)
    return changed


def rights_of_roles(session: Session) -> dict[str, frozenset[Right]]:
    """The stored rights of every role, in one statement."""
    found: dict[str, set[Right]] = {}
    grants = assoc_permissionview_role
    for role, verb, resource in session.execute(
        select(FabRole.name, Permission.name, ViewMenu.name)
        .join(grants, grants.c.role_id == FabRole.id)
        .join(PermissionView, PermissionView.id == grants.c.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
    ):
        found.setdefault(role, set()).add((verb.removeprefix(PERMISSION_PREFIX), resource))
    return {role: frozenset(pairs) for role, pairs in found.items()}


def _ensure(session: Session, model: Any, names: Iterable[str]) -> dict[str, int]:
    """Ids by name of the rows of ``model``, with a row added for each name that had none."""
    ids = {name: row_id for row_id, name in session.execute(select(model.id, model.name))}
    missing = sorted(set(names) - ids.keys())
    if missing:
        session.execute(insert(model), [{"name": name} for name in missing])
        ids = {name: row_id for row_id, name in session.execute(select(model.id, model.name))}
    return ids


def _right_ids(session: Session) -> dict[Right, int]:
    return {
        (verb.removeprefix(PERMISSION_PREFIX), resource): row_id
        for row_id, verb, resource in session.execute(
            select(PermissionView.id, Permission.name, ViewMenu.name)
            .join(Permission, Permission.id == PermissionView.permission_id)
            .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
        )
    }


def _raise_version(session: Session) -> None:
    version = session.get(RightsVersion, 1, with_for_update=True)
    if version is None:
        session.add(RightsVersion(id=1, number=1))
    else:
        version.number += 1
    session.flush()
