"""The API for programs: the same rights, scope and rules as the screens; problem details; a true OpenAPI document."""

from __future__ import annotations

import pytest

from app.fab.interface import Kind

NEW = {
    "code": "A1",
    "name": "Cup",
    "shelf_id": 1,
    "ware": "cup",
    "price": "12.50",
    "weight": 300,
    "seen_at": "2026-03-02T14:45:00+08:00",
}


@pytest.fixture
def caller_of(shop):
    def log_in(username):
        client = shop.test_client()
        token = client.post("/api/v1/security/login", json={"username": username, "password": "correct-horse-9"}).json[
            "access_token"
        ]
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    return log_in


def refused(answer, status, *fields):
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == status and answer.json["title"] and answer.json["detail"]
    assert set(fields) <= set(answer.json.get("errors", {}))
    assert "toy_item" not in answer.text and "Traceback" not in answer.text
    return answer.json


def test_records_are_created_read_listed_and_updated(caller_of, stock, item_of):
    caller = caller_of("manager")
    made = caller.post("/api/v1/toys/", json=NEW)
    assert made.status_code == 201
    assert (
        made.json["price"] == "12.50"
        and made.json["seen_at"] == "2026-03-02T06:45:00+00:00"
        and made.json["fragile"] is True
    )
    read = caller.get(made.location)
    assert read.json == made.json
    found = caller.get("/api/v1/toys/?code=A&price.from=12").json
    assert (found["total"], found["items"]) == (1, [made.json])
    changed = caller.patch(made.location, json={"version": 1, "name": "Mug", "fragile": False, "weight": None})
    assert changed.status_code == 200 and changed.json["version"] == 2
    item = item_of("A1")
    assert (item.name, item.fragile, item.weight, item.price) == ("Mug", False, None, made.json["price"] and item.price)


def test_refusals_are_problem_details(caller_of, stock, shop):
    pk = stock("A1", phone="13812345678")
    caller = caller_of("manager")
    refused(caller.post("/api/v1/toys/", json=NEW), 409, "code")
    refused(caller.post("/api/v1/toys/", json={**NEW, "code": "A2", "price": "-1"}), 422, "price")
    refused(caller.post("/api/v1/toys/", json={"code": "A2"}), 422, "shelf_id", "ware")
    refused(caller.post("/api/v1/toys/", json={**NEW, "code": "A2", "shelf_id": 3}), 422, "shelf_id")
    refused(caller.post("/api/v1/toys/", json={**NEW, "code": "A2", "weight": 1.5}), 422, "weight")
    for body in (
        {**NEW, "state": "sold"},
        {**NEW, "estate_id": 2},
        {**NEW, "x": 1},
        [],
        {**NEW, "code": ["A"]},
        {**NEW, "fragile": "no"},
    ):
        refused(caller.post("/api/v1/toys/", json=body), 400)
    refused(caller.post("/api/v1/toys/", data="{", content_type="application/json"), 400)
    refused(caller.patch(f"/api/v1/toys/{pk}", json={"name": "x"}), 400)
    refused(caller.patch(f"/api/v1/toys/{pk}", json={"name": "x", "version": 9}), 409)
    refused(caller.get("/api/v1/toys/999999"), 404)
    for arguments in ("page=x", "size=7", "sort=nothing", "price.from=abc", "unknown=1", "weight.from="):
        refused(caller.get(f"/api/v1/toys/?{arguments}"), 400)
    refused(shop.test_client().get("/api/v1/toys/"), 401)
    refused(shop.test_client().get("/api/v1/toys/", headers={"Authorization": "Bearer nonsense"}), 401)


def test_rights_scope_and_masks_are_those_of_the_screens(caller_of, stock):
    pk = stock("A1", phone="13812345678")
    guard, neighbour, clerk = caller_of("security"), caller_of("neighbour"), caller_of("receptionist")
    assert guard.get(f"/api/v1/toys/{pk}").json["phone"] == "138****5678"
    refused(guard.post("/api/v1/toys/", json=NEW), 404)
    refused(guard.patch(f"/api/v1/toys/{pk}", json={"version": 1}), 404)
    refused(neighbour.get(f"/api/v1/toys/{pk}"), 404)
    assert neighbour.get("/api/v1/toys/").json["total"] == 0
    refused(clerk.patch(f"/api/v1/toys/{pk}", json={"version": 1, "price": "1.00"}), 400)  # not editable for this role
    refused(clerk.delete(f"/api/v1/toys/{pk}"), 405)
    assert set(clerk.delete(f"/api/v1/toys/{pk}").headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "PATCH"}


def test_the_document_says_what_the_api_does(caller_of, stock, shop):
    stock("A1", weight=None)
    caller = caller_of("manager")
    document = caller.get("/api/v1/_openapi").json
    schema = document["components"]["schemas"]["ToyItemApi"]
    item = caller.get("/api/v1/toys/").json["items"][0]
    assert set(item) == set(schema["properties"]) == set(schema["required"])
    types = {"integer": int, "string": str, "boolean": bool}
    for name, value in item.items():
        stated = schema["properties"][name]
        if value is None:
            assert stated["nullable"], name
        else:
            assert isinstance(value, types[stated["type"]]), name
    assert document["paths"]["/api/v1/toys/{pk}"]["get"]["parameters"][0]["schema"]["type"] == "integer"
    view = shop.extensions["guanjia.record_views"]["ToyItemView"]
    stated = {p["name"] for p in document["paths"]["/api/v1/toys/"]["get"]["parameters"]}
    assert {a.name for a in view.filtered if a.kind is Kind.TEXT} < stated
    assert "/api/v1/security/login" in document["paths"]
