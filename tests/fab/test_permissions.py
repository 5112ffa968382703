"""Route × role: ``tests/permissions.yaml`` says who may open each route, and this module holds the program to it.

A line is ``"METHOD /path": who`` with who = ``public``, ``signed-in`` or ``<verb> <Resource>``. A new route without a
line fails; so does a line that the code or the answers contradict.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from flask import Flask

from app.core.access.roles import Role

TABLE = Path(__file__).parent.parent / "permissions.yaml"
SESSION_ENDS = {"POST /logout", "POST /api/v1/security/logout"}
"""Not called with every role: they end the session that the test goes on with."""


@functools.cache
def table() -> dict[str, str]:
    return yaml.safe_load(TABLE.read_text(encoding="utf-8"))


def routes(app: Flask) -> Iterator[tuple[str, object, str]]:
    """Every route as (``"METHOD /path"``, rule, endpoint)."""
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield f"{method} {rule.rule}", rule, rule.endpoint


def declared(app: Flask, endpoint: str) -> str:
    """Who may open a route according to the marks in the code."""
    view = app.view_functions[endpoint]
    if getattr(view, "is_public", False) or endpoint == "static":
        return "public"
    if not hasattr(view, "requires"):
        return "signed-in"
    verb, resource = view.requires
    return f"{verb} {resource or view.__self__.resource}"


def test_every_route_has_its_line(app):
    known = {name for name, _, _ in routes(app)}
    missing = [f'"{name}": {declared(app, endpoint)}' for name, _, endpoint in routes(app) if name not in table()]
    assert not missing, "add to tests/permissions.yaml after checking who may:\n" + "\n".join(sorted(missing))
    assert not table().keys() - known, "these routes are gone"


def test_the_code_asks_for_what_the_table_says(app):
    """A page that asks for its right inside (by state or record) stands as signed-in in the code only."""
    differing = {
        name: (table()[name], declared(app, endpoint))
        for name, _, endpoint in routes(app)
        if name in table() and declared(app, endpoint) not in {table()[name], "signed-in"}
    }
    assert not differing


def test_every_right_of_the_table_is_held_by_some_role(app):
    held = {f"{verb} {resource}" for pairs in app.extensions["guanjia"].rights.values() for verb, resource in pairs}
    assert {who for who in table().values() if " " in who} <= held


def call(client, name: str, rule) -> object:
    """Open a route with arguments that fit it and point at nothing."""
    method, _, _ = name.partition(" ")
    values = {argument: converter_value(rule, argument) for argument in rule.arguments}
    return client.open(rule.build(values)[1], method=method)


def converter_value(rule, argument: str) -> object:
    converter = rule._converters[argument]
    if type(converter).__name__ == "IntegerConverter":
        return 999_999_999
    if type(converter).__name__ == "AnyConverter":
        return sorted(converter.items)[0]
    return "nothing"


def sent_to_login(answer) -> bool:
    """Asked to sign in; what asks by itself is told to stop asking (286) instead."""
    return answer.status_code in {286, 401} or (
        answer.status_code in {302, 303} and answer.location.startswith("/login/")
    )


def test_strangers_open_public_routes_only(app, session):
    client = app.test_client()
    app.config["WTF_CSRF_ENABLED"] = False
    for name, rule, _ in routes(app):
        answer = call(client, name, rule)
        answer.close()
        assert answer.status_code < 500, name
        # The API login answers 401 or 400 by itself: it is public and got no password.
        assert sent_to_login(answer) == (table()[name] != "public" or name == "POST /login/"), name


@pytest.mark.slow
@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_what_the_table_gives_it_and_nothing_else(app, client_of, role):
    rights = {f"{verb} {resource}" for verb, resource in app.extensions["guanjia"].rights[role]}
    client = client_of(role.value)
    for name, rule, _ in routes(app):
        who = table()[name]
        if name in SESSION_ENDS or who == "public":
            continue
        answer = call(client, name, rule)
        answer.close()
        assert not sent_to_login(answer), name
        if who != "signed-in" and who not in rights:
            assert answer.status_code == 404, f"{role} opens {name}"
        elif not rule.arguments and name.startswith("GET"):
            assert answer.status_code == 200, f"{role} does not open {name}"
        else:
            assert answer.status_code < 500, name
