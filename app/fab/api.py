"""The same records for programs: JSON over HTTP with the rights, the scope, the forms and the services of the screens.

A module declares ``class UnitApi(RecordApi): view = "UnitView"; resource_name = "units"`` and registers it like a view.
Callers log in at ``/api/v1/security/login`` and send the token as ``Authorization: Bearer …``. Errors are
problem details (RFC 9457); ``errors`` names the fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from flask import Response, current_app, request, url_for
from flask_appbuilder.api import BaseApi, expose
from flask_appbuilder.api.manager import OpenApi
from flask_babel import gettext as _
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import MultiDict

from app.core.access.actor import NotAllowed, current_actor
from app.core.fields.kinds import FileId
from app.core.fields.models import FieldKind
from app.extensions import db
from app.fab.custom_forms import filled_in, keep_customs, stored_values, with_customs
from app.fab.customs import CustomAttribute, customs_of
from app.fab.fields import RecordForm, YesNoField, masked
from app.fab.filters import RANGED, RESERVED, SIZES
from app.fab.interface import Attribute, Kind, token_of
from app.fab.paging import DEEPEST
from app.fab.submit import Outcome, carry_out
from app.fab.views import RecordView, record_views

PROBLEM = "application/problem+json"


def problem(status: int, title: str, detail: str = "", errors: Mapping[str, Any] | None = None) -> Response:
    """A problem details answer (RFC 9457); ``errors`` maps fields to sentences."""
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail or title}
    if errors:
        body["errors"] = {name: [str(s) for s in sentences] for name, sentences in errors.items()}
    return Response(json.dumps(body, ensure_ascii=False), status, content_type=PROBLEM)


class Unreadable(ValueError):
    """The body is not what the documentation asks for."""


class RecordApi(BaseApi):
    """List, read, create and update the records of a :class:`RecordView`."""

    view: ClassVar[str]
    """Class name of the view whose columns, filters, forms and services are offered."""
    version = "v1"
    csrf_exempt = False

    @property
    def _view(self) -> RecordView:
        return record_views()[self.view]

    @property
    def resource(self) -> str:
        return self._view.resource

    def _attributes(self) -> list[Attribute]:
        """The columns of the record that lists, pages or forms of the view show, then the fields without code.

        Id and version come by themselves.
        """
        view = self._view
        shown = [a.name for _title, group in view.shown for a in group]
        names = dict.fromkeys([*view.list_columns, *shown, *view.add_columns, *view.edit_columns])
        found = [view.datamodel.attribute(name, view.label_columns) for name in names if name not in view.form_fields]
        unique = {a.key: a for a in found if a.column is not None and not a.links}
        columns = [a for key, a in unique.items() if key not in {"id", "version"}]
        return [*columns, *customs_of(view.datamodel.obj)]

    def _body_of(self, record: Any) -> dict[str, Any]:
        values = {_name(a): _plain(a, _stored(a, record)) for a in self._attributes()}
        return {"id": record.id, "version": record.version, **values}

    def _answer(self, status: int, body: dict[str, Any], **headers: str) -> Response:
        answer = Response(json.dumps(body, ensure_ascii=False), status, content_type="application/json")
        answer.headers.extend(headers)
        return answer

    @expose("/", methods=["GET"])
    def get_list(self) -> Response:
        view = self._view
        current_actor().require("read", view.resource)
        known = (RESERVED - {"columns", "view", "before"}) | {a.name for a in view.filtered if a.kind not in RANGED}
        known |= {f"{a.name}.{end}" for a in view.filtered if a.kind in RANGED for end in ("from", "to")}
        query = view.read_list(request.args)
        odd = sorted({name for name, value in request.args.items(multi=True) if name not in known or not value})
        if odd or query.problems or query.place.kind == "last":
            unknown = [_("The argument “%(name)s” is unknown or empty.", name=name[:40]) for name in odd]
            return problem(400, _("The arguments could not be read."), " ".join([*unknown, *query.problems]))
        clauses = view.clauses(query)
        stretch = view.datamodel.walk(clauses, query.order, query.place, query.size, self._attributes(), view.load)
        total = stretch.total.number if stretch.total.exact else view.datamodel.count(clauses)
        items = [self._body_of(r) for r in stretch.records]
        return self._answer(
            200, {"total": total, "page": query.page, "size": query.size, "next": stretch.next or None, "items": items}
        )

    @expose("/<int:pk>", methods=["GET"])
    def get(self, pk: int) -> Response:
        current_actor().require("read", self.resource)
        return self._answer(200, self._body_of(self._view.record_or_404(pk)))

    @expose("/", methods=["POST"])
    def post(self) -> Response:
        view, actor = self._view, current_actor()
        actor.require("create", view.resource)
        if not view.add_columns:
            raise NotAllowed(view.resource)
        try:
            form = self._form(view.add_form, _sent(), None, whole=True)
        except Unreadable as error:
            return problem(400, _("The request could not be read."), str(error))
        if not form.validate():
            return problem(422, _("Some values do not fit."), errors=form.errors)

        def make() -> Any:
            record = view.create(form.values(), actor=actor)
            keep_customs(view.datamodel.session, record, form, actor=actor)
            return record

        outcome = carry_out(make, self._address, view.constraint_messages)
        if not outcome.done:
            return _refused(outcome)
        return self._answer(201, self._body_of(outcome.result), Location=outcome.location)

    @expose("/<int:pk>", methods=["PATCH"])
    def patch(self, pk: int) -> Response:
        view, actor = self._view, current_actor()
        actor.require("update", view.resource)
        record = view.record_or_404(pk)
        if not view.can_edit(record, actor):
            raise NotAllowed(view.resource)
        try:
            sent = _sent()
            version = sent.pop("version", None)
            if not isinstance(version, int) or isinstance(version, bool):
                raise Unreadable(_("“version” must be the number of the version that you read."))
            form = self._form(view.edit_form, sent, record, whole=False)
        except Unreadable as error:
            return problem(400, _("The request could not be read."), str(error))
        if not form.validate():
            return problem(422, _("Some values do not fit."), errors=form.errors)

        def change() -> Any:
            if record.version != version:
                raise StaleDataError
            if columns := form.values():
                view.update(record, columns, actor=actor)
            keep_customs(view.datamodel.session, record, form, actor=actor)
            return record

        outcome = carry_out(change, self._address, view.constraint_messages)
        return self._answer(200, self._body_of(outcome.result)) if outcome.done else _refused(outcome)

    def _address(self, record: Any) -> str:
        return url_for(f"{self.endpoint}.get", pk=record.id)

    def _form(self, columns: type[RecordForm], sent: dict[str, Any], record: Any | None, whole: bool) -> RecordForm:
        """The screen's form filled with a JSON object; a partial update has only the fields that were sent.

        Files are not set here.
        """
        actor = current_actor()
        customs = [f for f in self._view.customs(record, actor) if f.kind is not FieldKind.FILE]
        editable = self._view.editable(record, actor) | {f.name for f in customs}
        kind = with_customs(columns, customs)
        unknown = sorted(sent.keys() - (editable & set(kind()._fields)))
        if unknown:
            raise Unreadable(_("These fields cannot be set: %(names)s.", names=", ".join(unknown)[:200]))
        empty = kind()
        texts: MultiDict[str, str] = MultiDict()
        for name, field in empty._fields.items():
            value = sent.get(name, field.data if isinstance(field, YesNoField) else None)
            if isinstance(field, YesNoField):
                if not isinstance(value, bool) and name in sent:
                    raise Unreadable(_("“%(name)s” must be true or false.", name=name))
                if value:
                    texts[name] = "y"
            elif value is not None:
                texts[name] = _text(name, value)
        form = kind(texts, data=stored_values(db.session, record, customs) if record is not None else {})
        for name in list(form._fields):
            if name not in editable or (not whole and name not in sent):
                del form[name]
        return form

    # Documentation

    def add_api_spec(self, api_spec: Any) -> None:
        """Describe the four operations as they really are."""
        view, name = self._view, type(self).__name__
        read = {_name(a): {**_schema(a), "title": str(a.label)} for a in self._attributes()}
        customs = [
            f for f in filled_in(view.datamodel.obj.__tablename__, current_actor()) if f.kind is not FieldKind.FILE
        ]
        whole = {"type": "integer", "format": "int32"}
        schemas = {
            name: {
                "type": "object",
                "properties": {"id": whole, "version": whole, **read},
                "required": ["id", "version", *read],
            },
            f"{name}.new": self._input(with_customs(view.add_form, customs), required=True),
            f"{name}.change": self._input(with_customs(view.edit_form, customs), required=False),
        }
        for key, schema in schemas.items():
            api_spec.components.schema(key, schema)
        one = {"$ref": f"#/components/schemas/{name}"}
        refused = {code: _problem_spec(text) for code, text in PROBLEMS.items()}
        pk = {"in": "path", "name": "pk", "required": True, "schema": {"type": "integer", "minimum": 0}}
        page = {"type": "object", "required": ["total", "page", "size", "next", "items"], "properties": {
            "total": {"type": "integer"}, "page": {"type": "integer"}, "size": {"type": "integer"},
            "next": {"type": ["string", "null"], "description": "Pass it as `after` to read on, however far."},
            "items": {"type": "array", "items": one}}}  # fmt: skip

        def operation(title: str, code: int, schema: Any, codes: tuple[int, ...], **more: Any) -> dict[str, Any]:
            answers = {str(code): {"description": title, "content": {"application/json": {"schema": schema}}}}
            return {
                "summary": title, "tags": [name], "security": [{"bearer": []}],
                "responses": {**answers, **{str(c): refused[c] for c in codes}}, **more,
            }  # fmt: skip

        def body(key: str) -> dict[str, Any]:
            return {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}.{key}"}}},
            }

        several: dict[str, Any] = {"get": operation("List", 200, page, (400, 401, 404), parameters=self._parameters())}
        if view.add_columns:
            several["post"] = operation("Create", 201, one, (400, 401, 404, 409, 422), requestBody=body("new"))
        single: dict[str, Any] = {"get": operation("Read", 200, one, (401, 404), parameters=[pk])}
        if view.edit_columns:
            single["patch"] = operation(
                "Update", 200, one, (400, 401, 404, 409, 422), parameters=[pk], requestBody=body("change")
            )
        api_spec.path(path=f"{self.route_base}/", operations=several)
        api_spec.path(path=f"{self.route_base}/{{pk}}", operations=single)

    def _input(self, kind: type[RecordForm], required: bool) -> dict[str, Any]:
        attributes = {_name(a): a for a in self._attributes()}
        fields = [name for name in kind()._fields if name in attributes]
        properties = {name: _schema(attributes[name], writing=True) for name in fields}
        needed = [n for n in fields if _needed(attributes[n])] if required else []
        if not required:
            properties["version"] = {"type": "integer"}
            needed = ["version"]
        return {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            **({"required": needed} if needed else {}),
        }

    def _parameters(self) -> list[dict[str, Any]]:
        view = self._view
        found: list[dict[str, Any]] = [
            {
                "in": "query",
                "name": "page",
                "schema": {"type": "integer", "minimum": 1, "maximum": DEEPEST // max(SIZES) + 1},
            },
            {"in": "query", "name": "after", "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}},
            {"in": "query", "name": "size", "schema": {"type": "integer", "enum": list(SIZES)}},
            {
                "in": "query",
                "name": "sort",
                "schema": {"type": "string", "enum": [s for n in view.sortable for s in (n, f"-{n}")]},
            },
            {"in": "query", "name": "q", "schema": {"type": "string", "maxLength": 100}},
        ]
        for attribute in view.filtered:
            if attribute.kind in RANGED:
                schema = (
                    {"type": "string", "format": "date"}
                    if attribute.kind in {Kind.DAY, Kind.MOMENT}
                    else {"type": "number"}
                )
                schema = {"type": "integer", "format": "int32"} if attribute.kind is Kind.INTEGER else schema
                found += [
                    {"in": "query", "name": f"{attribute.name}.{end}", "schema": schema} for end in ("from", "to")
                ]
            elif attribute.kind is Kind.YES_NO:
                found.append(
                    {"in": "query", "name": attribute.name, "schema": {"type": "string", "enum": ["yes", "no"]}}
                )
            elif attribute.kind in {Kind.CHOICE, Kind.REFERENCE}:
                items = _schema(attribute, writing=True)
                items.pop("nullable", None)
                found.append({"in": "query", "name": attribute.name, "schema": {"type": "array", "items": items}})
            else:
                found.append({"in": "query", "name": attribute.name, "schema": {"type": "string", "maxLength": 200}})
        return found


PROBLEMS = {
    400: "The request could not be read",
    401: "No valid login",
    404: "Nothing there, or not open to the caller",
    409: "Another version is stored, or a value that must be unique is in use",
    422: "Some values do not fit; errors names the fields",
}


def _problem_spec(text: str) -> dict[str, Any]:
    strings = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
    members = {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    }
    schema = {"type": "object", "required": list(members), "properties": {**members, "errors": strings}}
    return {"description": text, "content": {PROBLEM: {"schema": schema}}}


def _sent() -> dict[str, Any]:
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise Unreadable(_("The body must be a JSON object with the content type application/json."))
    return given


def _text(name: str, value: Any) -> str:
    """A JSON value as an input would carry it."""
    if isinstance(value, list | dict):
        raise Unreadable(_("“%(name)s” must be a single value.", name=name))
    return str(value)


def _refused(outcome: Outcome) -> Response:
    if outcome.stale:
        return problem(409, _("Somebody else changed this record; read it again."))
    if outcome.taken:
        return problem(409, _("A value that must be unique is in use."), errors=outcome.errors)
    return problem(422, _("Some values do not fit."), " ".join(outcome.errors.get("", [])), outcome.errors)


def _name(attribute: Attribute) -> str:
    return attribute.name if isinstance(attribute, CustomAttribute) else attribute.key


def _stored(attribute: Attribute, record: Any) -> Any:
    """What the record holds; of a field, the name of the file it holds."""
    if not isinstance(attribute, CustomAttribute):
        return getattr(record, attribute.key)
    value = attribute.value(record)
    return value.name if isinstance(value, FileId) else value


def _needed(attribute: Attribute) -> bool:
    """Whether a new record cannot do without the value."""
    if isinstance(attribute, CustomAttribute):
        return attribute.field.required
    return not attribute.optional and attribute.kind is not Kind.YES_NO


def _plain(attribute: Attribute, value: Any) -> Any:
    if value is None:
        return None
    if attribute.kind is Kind.SECRET:
        return masked(value, attribute.info.get("mask", ""))
    if attribute.kind is Kind.CHOICE:
        return token_of(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _schema(attribute: Attribute, writing: bool = False) -> dict[str, Any]:
    """The JSON schema of a column. Amounts are texts, so that no digit is lost."""
    match attribute.kind:
        case Kind.INTEGER:
            schema: dict[str, Any] = {"type": "integer", "format": "int32"}
        case Kind.REFERENCE:
            schema = {"type": "integer", "format": "int32", "minimum": 0}
        case Kind.DECIMAL:
            schema = {"type": "string", "format": "decimal", "example": "1409.50"}
        case Kind.YES_NO:
            schema = {"type": "boolean"}
        case Kind.DAY:
            schema = {"type": "string", "format": "date"}
        case Kind.MOMENT:
            schema = {"type": "string", "format": "date-time"}
        case Kind.CHOICE:
            schema = {"type": "string", "enum": [option.token for option in attribute.options()]}
        case _:
            schema = {"type": "string"}
            length = getattr(attribute.column.type, "length", None) if attribute.column is not None else None
            schema |= {"maxLength": length} if length and writing else {}
    if writing and not attribute.optional and schema["type"] == "string" and "enum" not in schema:
        schema["minLength"] = 1
    return {**schema, "nullable": True} if attribute.nullable else schema


class OpenApiPage(OpenApi):
    """The documentation of the API as an OpenAPI document: ``/api/v1/_openapi``."""

    @expose("/<version>/_openapi")
    def get(self, version: str) -> Response:
        """The OpenAPI document.
        ---
        get:
          responses:
            200: {description: The document}
        """
        spec = self._create_api_spec(version)
        spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
        found = [
            api
            for api in current_app.extensions["appbuilder"].baseviews
            if isinstance(api, BaseApi) and api.version == version
        ]
        if not found:
            raise NotAllowed(version)
        for api in found:
            if api is not self:
                api.add_api_spec(spec)
        return Response(json.dumps(spec.to_dict(), ensure_ascii=False), content_type="application/json")
