"""The generated screens: list, show, add, edit, delete, as people and careless or hostile requests meet them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal


def form(**changes: object) -> dict[str, object]:
    filled = {
        "code": "A1",
        "name": "Blue cup",
        "shelf_id": "1",
        "ware": "cup",
        "price": "12.50",
        "weight": "300",
        "note": "",
    }
    return {k: v for k, v in {**filled, **changes}.items() if v is not None}


def test_a_record_is_entered_shown_changed_and_deleted(browser_of, stock, item_of):
    clerk = browser_of("manager")
    assert clerk.get("/toys/new").status_code == 200
    answer = clerk.post("/toys/new", data=form(bought_on="2026-03-01", seen_at="2026-03-02T14:45"))
    assert answer.status_code == 302
    page = clerk.get(answer.location).text
    assert "Blue cup" in page and "¥12.50" in page and "2026-03-02 14:45" in page and "Fresh" in page
    stored = item_of("A1")
    assert stored.seen_at == dt.datetime(2026, 3, 2, 6, 45, tzinfo=dt.UTC)  # Shanghai is eight hours ahead
    assert stored.price == Decimal("12.50") and stored.fragile is False
    assert "A1" in clerk.get("/toys/").text
    edit = clerk.get(f"/toys/{stored.id}/edit").text
    assert 'value="2026-03-02T14:45"' in edit
    answer = clerk.post(f"/toys/{stored.id}/edit", data=form(name="Red cup", version=stored.version))
    assert answer.status_code == 302 and item_of("A1").name == "Red cup"
    assert "Red cup" in clerk.get(answer.location).text
    assert clerk.post(f"/toys/{stored.id}/delete").status_code == 302
    assert item_of("A1") is None


def test_every_mistake_is_said_beside_its_field_and_nothing_typed_is_lost(browser_of, stock, item_of):
    clerk = browser_of("manager")
    answer = clerk.post(
        "/toys/new", data=form(code="", price="1.234", weight="heavy", bought_on="yesterday", note="keep me")
    )
    assert answer.status_code == 422
    page = answer.text
    for sentence in ("“Code” must be filled in.", "At most 2 decimals.", "Write a whole number.", "Write the day as"):
        assert sentence in page
    assert 'value="heavy"' in page and 'value="1.234"' in page and "keep me" in page
    assert 'aria-describedby="code-error"' in page and 'id="code-error"' in page
    assert item_of("A1") is None


def test_a_taken_code_is_reported_at_the_code(browser_of, stock):
    stock("A1")
    answer = browser_of("manager").post("/toys/new", data=form())
    assert answer.status_code == 422
    assert "“Code” is taken" in answer.text and "UNIQUE" not in answer.text and "toy_item" not in answer.text
    assert 'value="Blue cup"' in answer.text


def test_check_constraints_speak_through_the_view_or_the_model(browser_of, stock):
    clerk = browser_of("manager")
    answer = clerk.post("/toys/new", data=form(price="-1"))
    assert answer.status_code == 422 and 'id="price-error">A price is never negative.' in answer.text
    answer = clerk.post("/toys/new", data=form(weight="1000"))
    assert answer.status_code == 422 and "Nobody can lift this." in answer.text


def test_an_invalid_phone_is_reported_at_the_phone(browser_of, stock):
    answer = browser_of("manager").post("/toys/new", data=form(phone="12"))
    assert answer.status_code == 422 and 'id="phone-error"' in answer.text


def test_a_required_choice_or_reference_preselects_nothing(browser_of, stock):
    clerk = browser_of("manager")
    page = clerk.get("/toys/new").text
    ware = page.split('id="ware"')[1].split("</select>")[0]
    assert ware.count("selected") == 1 and '<option selected value=""' in ware
    shelf = page.split('id="shelf_id"')[1].split("</select>")[0]
    assert "selected" not in shelf
    answer = clerk.post("/toys/new", data=form(ware="", shelf_id=""))
    assert "“Ware” must be filled in." in answer.text and "“Shelf” must be filled in." in answer.text


def test_a_checkbox_can_be_saved_unchecked_although_its_default_is_checked(browser_of, stock, item_of):
    clerk = browser_of("manager")
    assert '<input checked class="form-check-input" id="fragile"' in clerk.get("/toys/new").text
    clerk.post("/toys/new", data=form(fragile="y"))
    assert item_of("A1").fragile is True
    clerk.post("/toys/new", data=form(code="A2"))
    assert item_of("A2").fragile is False


def test_fields_that_are_hidden_read_only_or_invented_are_refused(browser_of, stock, item_of):
    pk = stock("A1")
    for extra in ({"state": "sold"}, {"estate_id": "2"}, {"created_by_id": "1"}, {"nonsense": "1"}):
        answer = browser_of("manager").post(f"/toys/{pk}/edit", data=form(name="x", version=1, **extra))
        assert answer.status_code == 400 and next(iter(extra)) in answer.text
    # the receptionist may not change the price of an existing item
    clerk = browser_of("receptionist")
    assert 'name="price"' not in clerk.get(f"/toys/{pk}/edit").text
    assert clerk.post(f"/toys/{pk}/edit", data=form(name="x", version=1)).status_code == 400
    assert clerk.post(f"/toys/{pk}/edit", data=form(name="x", price=None, version=1)).status_code == 302
    assert (item_of("A1").name, item_of("A1").state, item_of("A1").estate_id) == ("x", "new", 1)


def test_personal_data_is_masked_and_overwritten_only_by_something_new(browser_of, stock, item_of):
    pk = stock("A1", phone="13812345678")
    clerk = browser_of("manager")
    for address in ("/toys/", f"/toys/{pk}", f"/toys/{pk}/edit", "/toys/export.csv"):
        text = clerk.get(address).text
        assert "13812345678" not in text and "138****5678" in text, address
    clerk.post(f"/toys/{pk}/edit", data=form(phone="", version=1))
    assert item_of("A1").phone == "13812345678"
    clerk.post(f"/toys/{pk}/edit", data=form(phone="13912345679", version=2))
    assert item_of("A1").phone == "13912345679"
    assert "13912345679" not in clerk.get(f"/toys/{pk}").text


def test_a_stale_form_shows_both_versions_and_can_be_saved_on_the_newest(browser_of, stock, item_of):
    pk = stock("A1", name="Old")
    clerk, manager = browser_of("receptionist"), browser_of("manager")
    assert manager.post(f"/toys/{pk}/edit", data=form(name="Theirs", weight="77", version=1)).status_code == 302
    answer = clerk.post(f"/toys/{pk}/edit", data=form(name="Mine", price=None, weight="5", version=1))
    assert answer.status_code == 409
    assert answer.text.count('<th scope="row">') == 1  # the weight, changed by the other only, is no question
    assert 'name="weight" step="1" type="number" value="77"' in answer.text
    assert "Theirs" in answer.text and 'value="Mine"' in answer.text and "Manager saved it" in answer.text
    assert 'name="version" value="2"' in answer.text
    assert item_of("A1").name == "Theirs"
    assert clerk.post(f"/toys/{pk}/edit", data=form(name="Mine", price=None, version=2)).status_code == 302
    assert item_of("A1").name == "Mine"


def test_the_same_submit_twice_makes_one_record(browser_of, stock, shop, toys):
    import sqlalchemy as sa

    from app.core.access.actor import acting, system_actor
    from app.extensions import db

    clerk = browser_of("manager")
    first = clerk.post("/toys/new", data=form(submit_token="token-0123456789"))
    second = clerk.post("/toys/new", data=form(submit_token="token-0123456789"))
    assert first.status_code == second.status_code == 302 and first.location == second.location
    with shop.app_context(), acting(system_actor()):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(toys.Item)) == 1


def test_deleting_is_a_post_and_refused_while_something_points_at_the_record(browser_of, stock, item_of):
    pk = stock("A1")
    clerk = browser_of("manager")
    assert clerk.get(f"/toys/{pk}/delete").status_code in {404, 405} and item_of("A1")
    page = clerk.get(f"/toys/{pk}").text
    assert 'data-confirm="Delete “A1”?' in page
    answer = clerk.post("/toy-shelves/1/delete", follow_redirects=True)
    assert "is still used (Toys) and cannot be deleted" in answer.text
    assert "FOREIGN KEY" not in answer.text


def test_actions_and_downloads_of_the_framework_have_no_address(browser_of, stock, shop):
    pk = stock("A1")
    clerk = browser_of("manager")
    for address in (
        f"/toys/action/sell/{pk}",
        "/toys/action_post",
        "/toys/download/x.txt",
        "/toys/list/",
        f"/toys/show/{pk}",
    ):
        assert clerk.get(address).status_code == 404
        assert clerk.post(address).status_code == 404
    assert not {
        r.endpoint for r in shop.url_map.iter_rules() if r.endpoint.endswith((".action", ".action_post", ".download"))
    }
    get_only = [
        r for r in shop.url_map.iter_rules() if r.endpoint.endswith((".delete", ".transition")) and "GET" in r.methods
    ]
    assert not get_only


def test_a_workflow_moves_by_its_button_and_says_what_is_missing(browser_of, stock, item_of):
    pk = stock("A1", weight=None)
    clerk = browser_of("manager")
    assert "Weigh it first." in clerk.get(f"/toys/{pk}").text
    answer = clerk.post(f"/toys/{pk}/transition/sell", data={"buyer": "张三"})
    assert answer.status_code == 422 and "Weigh it first." in answer.text
    pk = stock("A2")
    answer = clerk.post(f"/toys/{pk}/transition/sell", data={"buyer": " "})
    assert answer.status_code == 422 and "“Buyer” must be filled in." in answer.text
    assert clerk.post(f"/toys/{pk}/transition/sell", data={"buyer": "张三", "version": "7"}).status_code == 409
    assert item_of("A2").state == "new"
    assert clerk.post(f"/toys/{pk}/transition/sell", data={"buyer": "张三"}).status_code == 302
    page = clerk.get(f"/toys/{pk}").text
    assert item_of("A2").state == "sold" and "Sell: Fresh → Sold" in page and "张三" in page
    assert browser_of("security").post(f"/toys/{pk}/transition/sell").status_code == 404


def test_rights_and_estate_decide_what_exists(browser_of, stock):
    pk = stock("A1")
    guard, neighbour = browser_of("security"), browser_of("neighbour")
    assert guard.get(f"/toys/{pk}").status_code == 200
    assert f"/toys/{pk}/edit" not in guard.get(f"/toys/{pk}").text
    for address in ("/toys/new", f"/toys/{pk}/edit"):
        assert guard.get(address).status_code == 404
    assert guard.post(f"/toys/{pk}/delete").status_code == 404
    assert ">A1<" not in neighbour.get("/toys/").text and "A1" not in neighbour.get("/toys/export.csv").text
    for address in (f"/toys/{pk}", f"/toys/{pk}/edit"):
        assert neighbour.get(address).status_code == 404
    assert neighbour.post(f"/toys/{pk}/delete").status_code == 404
    # a shelf of the other estate can neither be looked up nor chosen
    assert [i["text"] for i in neighbour.get("/lookup/toy_shelf").json["items"]] == ["T2-1", "T2-2"]
    answer = neighbour.post("/toys/new", data=form(shelf_id="1"))
    assert answer.status_code == 422 and "Choose one of the records offered." in answer.text


def test_numbers_no_record_can_have_are_simply_not_there(browser_of, stock):
    clerk = browser_of("manager")
    for address in (
        "/toys/99999999999999999999",
        "/toys/99999999999999999999/edit",
        "/toys/2147483648",
        "/api/v1/toys/2147483648",
    ):
        assert clerk.get(address).status_code == 404
    answer = clerk.post("/toys/new", data=form(shelf_id="99999999999999999999", weight="99999999999"))
    assert answer.status_code == 422


def test_the_timeline_tells_changes_in_words(browser_of, stock, item_of):
    pk = stock("A1", name="Old", price=Decimal(3), phone="13812345678")
    clerk = browser_of("manager")
    clerk.post(f"/toys/{pk}/edit", data=form(name="New", price="4.00", shelf_id="2", phone="13912345679", version=1))
    page = clerk.get(f"/toys/{pk}").text
    history = page[page.index("What happened") :]
    assert "changed this record" in history and "<del>Old</del> → <ins>New</ins>" in history
    assert "<del>¥3.00</del> → <ins>¥4.00</ins>" in history and "<del>T1-1</del> → <ins>T1-2</ins>" in history
    assert "personal data, not shown" in history and "1391" not in history


def test_the_related_list_shows_the_records_own_children_only(browser_of, stock):
    stock("A1"), stock("B1", shelf_id=2)
    page = browser_of("manager").get("/toy-shelves/1").text
    assert ">A1<" in page and ">B1<" not in page and "/toys/new?shelf_id=1" in page
    new = browser_of("manager").get("/toys/new?shelf_id=1").text
    assert '<option value="1" selected>T1-1</option>' in new


def test_pages_name_their_language_and_translate_titles(browser_of, stock):
    page = browser_of("manager").get("/toys/").text
    assert '<html lang="en">' in page and "List " not in page.split("<h1>")[1].split("</h1>")[0]


def test_a_failing_hook_leaves_no_half_written_record(browser_of, stock, item_of, shop, monkeypatch):
    view = shop.extensions["guanjia.record_views"]["ToyItemView"]
    from app.core.workflow.table import Blocked

    original = type(view).create

    def create(self, values, *, actor):
        original(self, values, actor=actor)
        self.datamodel.session.flush()
        raise Blocked(["The second step failed."])

    monkeypatch.setattr(type(view), "create", create)
    answer = browser_of("manager").post("/toys/new", data=form())
    assert answer.status_code == 422 and "The second step failed." in answer.text and item_of("A1") is None


def test_a_command_is_done_once_on_the_version_it_was_offered_for(browser_of, stock, item_of):
    pk = stock("A1", name="Cup")
    clerk = browser_of("manager")
    sent = {"version": "1", "submit_token": "token-polish-1"}
    for _ in range(2):  # pressed twice
        answer = clerk.post(f"/toys/{pk}/polish", data=sent, follow_redirects=True)
        assert answer.request.path == f"/toys/{pk}"
    assert item_of("A1").name == "Cup*"
    page = clerk.post(f"/toys/{pk}/polish", data={"version": "1"}, follow_redirects=True).text
    assert "Somebody else changed this record" in page and item_of("A1").name == "Cup*"
    page = clerk.post(f"/toys/{pk}/polish", data={"hard": "y"}, follow_redirects=True).text
    assert "It broke." in page and item_of("A1").name == "Cup*"
    assert clerk.get(f"/toys/{pk}/polish").status_code in {404, 405}
    assert browser_of("security").post(f"/toys/{pk}/polish").status_code == 404
