"""The settings of an estate as one file: out of it, looked at, into another one."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.core.access.actor import Actor, NotAllowed, acting, system_actor
from app.core.audit.models import AuditEntry
from app.core.clocks.models import CalendarDay, ClockRule, OpeningHours
from app.core.configuration import services
from app.core.configuration.document import read_document
from app.core.configuration.plan import Fate, Plan
from app.core.fields.models import CustomField, FieldKind
from app.core.fields.services import add_field
from app.core.imports.models import ImportRun
from app.core.messages.models import Webhook
from app.core.papers.editing.services import set_form, set_letterhead
from app.core.records.estate import Estate
from app.core.records.identifiers import InvalidValue
from app.core.registry import registry
from app.modules.checks.models import CheckCategory
from app.modules.duties.models import Duty, DutyOccurrence
from app.modules.fees.models import FeeItem
from app.modules.movein.models import MoveInItem, StandingTextVersion

ClientOf = Callable[[str], FlaskClient]


def exported(session: Any, estate_id: int = 1, *codes: str) -> dict[str, Any]:
    estate = session.get(Estate, estate_id)
    return json.loads(services.export(session, estate, codes or None, actor=system_actor(estate_id=estate_id)))


def brought_in(session: Any, document: dict[str, Any], estate_id: int = 2, *, dry: bool = False, **more: Any) -> Plan:
    found = read_document(json.dumps(document).encode())
    with acting(system_actor(estate_id=estate_id)) as actor:
        return (services.dry_run if dry else services.carry_out)(session, estate_id, found, actor=actor, **more)


def document_of(**parts: Any) -> dict[str, Any]:
    return {"format": "guanjia-configuration", "version": 1, "parts": parts}


def fates(plan: Plan) -> dict[tuple[str, ...], str]:
    return {(line.part, *line.key): line.fate for line in plan.lines if line.fate != Fate.SAME}


def one(session: Any, model: Any, estate_id: int, **values: Any) -> Any:
    return session.scalars(select(model).filter_by(estate_id=estate_id, **values)).one()


@pytest.fixture
def changed(session: Any) -> Any:
    """Estate 1 with settings of every part that differ from the seeds."""
    one(session, FeeItem, 1, code="property_service").rate = Decimal("3.125")
    session.add(
        FeeItem(code="pool", title_zh="泳池", title_en="Pool", kind="service_income", basis="piece", rate=Decimal(20))
    )
    rule = one(session, ClockRule, 1, key="movein.defect")
    rule.amount = 9
    rule.escalations.pop()
    one(session, CheckCategory, 1, code="late").active = False
    session.add(CheckCategory(code="noise", title_zh="噪音", title_en="Noise", seq=200, repeat_count=3))
    instead = one(session, Duty, 1, code="movein.spot-check")
    session.add(
        Duty(code="zz.first", title_zh="甲", title_en="First", role="manager", period="month", valid_from=instead.valid_from,
             in_place_of=instead)
    )  # fmt: skip
    session.add(CalendarDay(day=date(2026, 3, 2), working=False, title="Founding day"))
    space = MoveInItem(list_name="spaces", code="attic", seq=99, title_zh="阁楼", title_en="Attic", data={})
    session.add(space)
    item = one(session, MoveInItem, 1, list_name="check_items", code="wall_crack")
    item.data = {**item.data, "spaces": [*item.data["spaces"], "attic"]}
    hours = one(session, OpeningHours, 1, weekday=6)
    session.delete(hours)
    session.flush()
    return session


def test_a_round_trip_makes_the_second_estate_equal_and_comes_to_rest(changed: Any) -> None:
    session = changed
    document = exported(session)
    assert list(document["parts"]) == list(services.parts())
    first = brought_in(session, document)
    assert not [line for line in first.lines if line.fate == Fate.REFUSED], fates(first)
    said = fates(first)
    assert said["fee_items", "property_service"] == Fate.CHANGED
    assert said["fee_items", "pool"] == said["check_categories", "noise"] == said["duties", "zz.first"] == Fate.NEW
    assert said["check_matrix", "check_items", "wall_crack"] == Fate.CHANGED
    assert {k: v for k, v in exported(session, 2).items() if k == "parts"} == {"parts": document["parts"]}
    assert one(session, Duty, 2, code="zz.first").in_place_of.estate_id == 2
    assert [(s.after_hours, s.role) for s in one(session, ClockRule, 2, key="movein.defect").escalations] == [
        (0, "cs_supervisor")
    ]
    again = brought_in(session, exported(session))
    assert fates(again) == {}
    assert again.does == 0


def test_the_look_says_exactly_what_the_import_does_and_changes_nothing(changed: Any) -> None:
    session = changed
    document = exported(session)
    before = exported(session, 2)["parts"]
    entries = session.scalar(select(func.count()).select_from(AuditEntry))
    looked = brought_in(session, document, dry=True)
    assert exported(session, 2)["parts"] == before
    assert session.scalar(select(func.count()).select_from(AuditEntry)) == entries
    done = brought_in(session, document)
    assert done.digest == looked.digest
    assert done.facts() == looked.facts()
    line = next(line for line in looked.lines if line.key == ("property_service",))
    assert line.changes == (("Rate", "2.80", "3.125"),)


def test_it_moves_nothing_in_the_estate_it_came_from(session: Any) -> None:
    assert fates(brought_in(session, exported(session), 1)) == {}


def test_what_is_only_here_stays_or_goes_out_of_use_but_is_never_deleted(session: Any) -> None:
    document = exported(session, 1, "fee_items", "duties")
    document["parts"]["fee_items"] = [e for e in document["parts"]["fee_items"] if e["code"] != "property_service"]
    kept = brought_in(session, document, dry=True)
    assert fates(kept) == {("fee_items", "property_service"): Fate.KEPT}
    gone = brought_in(session, document, withdraw=["fee_items"])
    assert fates(gone) == {("fee_items", "property_service"): Fate.WITHDRAWN}
    assert one(session, FeeItem, 2, code="property_service").active is False
    assert fates(brought_in(session, document, withdraw=["fee_items"])) == {
        ("fee_items", "property_service"): Fate.KEPT
    }


def test_only_the_chosen_parts_count(changed: Any) -> None:
    plan = brought_in(changed, exported(changed), chosen=["fee_items"])
    assert {line.part for line in plan.lines} == {"fee_items"}
    assert list(exported(changed, 1, "duties")["parts"]) == ["duties"]


REFUSED = [
    ("fee_items", {"code": "x", "title_zh": "甲", "title_en": "A"}, "must be filled in"),
    ("fee_items", {"code": "property_service", "rate": "many"}, "number with at most 4 decimals"),
    ("fee_items", {"code": "property_service", "rate": "-1"}, "rule of these settings"),
    ("fee_items", {"code": "property_service", "rate": True}, "has to be a text"),
    ("fee_items", {"code": "property_service", "kind": "bribe"}, "none of the values offered"),
    ("fee_items", {"code": "property_service", "kind": "deposit", "refundable": False}, "has to be refundable"),
    ("fee_items", {"code": "property_service", "title_zh": "长" * 101}, "longer than 100"),
    ("fee_items", {"code": "property_service", "active": "yes"}, "true or false"),
    ("fee_items", {"code": "property_service", "id": 5}, "is no field of these settings"),
    ("fee_items", {"code": "property_service", "estate_id": 1}, "is no field of these settings"),
    ("fee_items", {"rate": "1"}, "has no key"),
    ("fee_items", {"code": ["a"], "rate": "1"}, "has no key"),
    ("clock_rules", {"key": "nobody.knows", "amount": 3}, "no such entry"),
    ("clock_rules", {"key": "movein.defect", "amount": 5000}, "from 0 to 1000"),
    ("clock_rules", {"key": "movein.defect", "amount": "3"}, "whole number"),
    ("clock_rules", {"key": "movein.defect", "escalations": [{"after_hours": 99999999, "role": "manager"}]}, "whole number"),
    ("clock_rules", {"key": "movein.defect", "escalations": [{"after_hours": 0, "role": "god"}]}, "none of the values"),
    ("clock_rules", {"key": "movein.defect", "escalations": "none"}, "list"),
    ("clock_rules", {"key": "movein.defect", "escalations": [{"id": 1}]}, "other fields"),
    ("check_categories", {"code": "late", "repeat_count": 1}, "from the second time on"),
    ("duties", {"code": "movein.spot-check", "in_place_of": "nowhere"}, "which is not here"),
    ("duties", {"code": "movein.spot-check", "evidence": "magic"}, "knows no such evidence"),
    ("duties", {"code": "movein.spot-check", "parameters": {"kind": ["magic"]}}, "knows no such records"),
    ("duties", {"code": "movein.spot-check", "grace_days": 300}, "give fewer days"),
    ("check_matrix", {"list_name": "check_items", "code": "wall_crack", "data": {"trade": "magic"}}, "not among the values"),
    ("check_matrix", {"list_name": "limits", "code": "surfaces", "data": {"days": 9999}}, "from 0 to 365"),
    ("check_matrix", {"list_name": "limits", "code": "surfaces", "data": {"days": 3, "more": 1}}, "exactly these"),
    ("check_matrix", {"list_name": "trades", "code": "walls", "active": False}, "still uses it"),
    ("check_matrix", {"list_name": "nothing", "code": "surfaces", "title_zh": "甲", "title_en": "A"}, "none of the values"),
    ("movein_lists", {"list_name": "limits", "code": "late", "title_zh": "甲", "title_en": "A", "data": {"days": 3}}, "another part"),
    ("opening_hours", {"weekday": "8", "periods": []}, "1 for Monday to 7"),
    ("opening_hours", {"weekday": "1", "periods": ["25:00-26:00"]}, "08:30-12:00"),
    ("opening_hours", {"weekday": "1", "periods": ["12:00-08:00"]}, "closes after it opens"),
    ("indicator_targets", {"indicator": "luck", "target": "5"}, "no such indicator"),
    ("indicator_targets", {"indicator": "deadlines.in_time", "target": "101"}, "a percentage goes to 100"),
    ("reviewers", {"workflow": "MoveInCase", "state": "nowhere", "role": "manager"}, "no such workflow"),
    ("reviewers", {"workflow": "MoveInCase", "state": "fees", "role": "security"}, "no decision in this state"),
    ("reviewers", {"workflow": "MoveInCase", "state": "fees", "person": "nobody"}, "which is not here"),
    ("standing_texts", {"form": "F99", "intro": {"zh": "甲", "en": "A"}}, "no such standing text"),
    ("standing_texts", {"form": "F04", "intro": {"zh": "{{ secret }}", "en": "A"}}, "unknown placeholder"),
    ("standing_texts", {"form": "F04", "intro": 5}, "needs a Chinese and an English text"),
    ("wishes", {"code": "x"}, "no such settings"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "entry", "sentence"), REFUSED)
def test_what_does_not_fit_is_refused_with_a_sentence(session: Any, part: str, entry: Any, sentence: str) -> None:
    before = exported(session, 2)["parts"]
    plan = brought_in(session, document_of(**{part: [entry]}))
    (line,) = [line for line in plan.lines if line.fate not in (Fate.KEPT, Fate.SAME)]
    assert line.fate == Fate.REFUSED
    assert sentence in line.problem
    assert exported(session, 2)["parts"] == before


def test_one_refused_entry_leaves_the_others(session: Any) -> None:
    entries = [
        {"code": "late", "repeat_count": 1},
        {"code": "safety", "repeat_count": 4},
        {"code": "safety", "repeat_count": 5},
    ]
    plan = brought_in(session, document_of(check_categories=entries))
    assert [(line.key, line.fate) for line in plan.lines[:1]] == [(("late",), Fate.REFUSED)]
    assert one(session, CheckCategory, 2, code="safety").repeat_count == 4
    assert sum(line.fate == Fate.REFUSED for line in plan.lines) == 2
    assert one(session, CheckCategory, 1, code="safety").repeat_count == 2


FILES: list[tuple[bytes, str]] = [
    (b"", "no configuration file"), (b"PK\x03\x04", "no configuration file"), (b"\xff\xfe", "no configuration file"),
    (b"{}", "no configuration file"), (b"[1]", "no configuration file"), (b"[" * 100_000, "no configuration file"),
    (b'{"format": "other", "version": 1, "parts": {}}', "no configuration file"),
    (b'{"format": "guanjia-configuration", "version": 2, "parts": {}}', "newer version"),
    (b'{"format": "guanjia-configuration", "version": 1, "parts": []}', "no configuration file"),
    (b'{"format": "guanjia-configuration", "version": 1, "parts": {"fee_items": [5]}}', "no configuration file"),
    (b'{"format": "guanjia-configuration", "version": 1, "version": 1}', "twice"),
    (b'{"a": NaN}', "quotation marks"), (b'{"a": 1.5}', "quotation marks"), (b'{"a": %s}' % (b"9" * 40), "too large"),
    (json.dumps(document_of(fee_items=[{"code": "a\0b"}])).encode(), "cannot be stored"),
    (json.dumps(document_of(fee_items=[{"code": "\ud800"}])).encode(), "cannot be stored"),
    (json.dumps(document_of(fee_items=[{}] * 5001)).encode(), "more than 5000"),
    (json.dumps(document_of(fee_items=[{"a": json.loads("[" * 50 + "]" * 50)}])).encode(), "too deep"),
    (b" " * (4 * 1024 * 1024 + 1), "larger than 4 MB"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "sentence"), FILES)
def test_a_hostile_file_is_refused_before_it_is_kept(session: Any, data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidValue, match=sentence):
        services.receive(session, data, "settings.json", actor=system_actor(estate_id=1))
    assert session.scalar(select(func.count()).select_from(ImportRun)) == 0


def test_nothing_secret_and_no_id_is_in_the_file(session: Any) -> None:
    session.add(Webhook(title="Bot", address="https://example.org/key=SECRET", secret="HIDDEN"))
    session.flush()
    text = json.dumps(exported(session))
    assert "SECRET" not in text
    assert "HIDDEN" not in text
    assert "estate_id" not in text
    assert '"id"' not in text


def test_a_part_without_the_right_is_refused_as_a_whole(session: Any, actor_of: Callable[[str], Actor]) -> None:
    document = read_document(json.dumps(exported(session, 1, "fee_items", "clock_rules")).encode())
    manager = actor_of("manager")
    weaker = dataclasses.replace(manager, grants=manager.grants - {("update", "FeeItem")})
    with acting(weaker):
        plan = services.carry_out(session, 1, document, actor=weaker)
    assert [line.fate for line in plan.lines if line.part == "fee_items"] == [Fate.REFUSED]
    with acting(actor_of("receptionist")) as nobody, pytest.raises(NotAllowed):
        services.export(session, session.get(Estate, 1), actor=nobody)


def test_a_standing_text_comes_as_a_new_version_once(session: Any) -> None:
    document = exported(session, 1, "standing_texts")
    text = next(e for e in document["parts"]["standing_texts"] if e["form"] == "F04")
    text["intro"]["en"] += " Welcome."
    plan = brought_in(session, document)
    assert fates(plan) == {("standing_texts", "F04"): Fate.CHANGED}
    numbers = select(StandingTextVersion.number).where(
        StandingTextVersion.code == "F04", StandingTextVersion.estate_id == 2
    )
    assert sorted(session.scalars(numbers)) == [1, 2]
    assert fates(brought_in(session, document)) == {}


def test_fields_without_code_come_with_their_choices_in_order(session: Any) -> None:
    titles = [{"title_zh": "红", "title_en": "Red"}, {"title_zh": "蓝", "title_en": "Blue"}]
    given = {
        "record_type": "unit",
        "code": "colour",
        "kind": FieldKind.CHOICE,
        "title_zh": "颜色",
        "title_en": "Colour",
    }
    row = add_field(session, {**given, "read_roles": ["manager"], "choices": titles}, actor=system_actor(estate_id=1))
    document = exported(session, 1, "fields")
    assert fates(brought_in(session, document)) == {("fields", "unit", "colour"): Fate.NEW}
    made = one(session, CustomField, 2, code="colour")
    session.expire_all()
    assert [choice.title_en for choice in made.choices] == ["Red", "Blue"]
    assert made.read_roles == ["manager"]
    assert fates(brought_in(session, document)) == {}
    document["parts"]["fields"][0]["kind"] = "date"
    (line,) = brought_in(session, document).lines
    assert "cannot be changed" in line.problem
    gone = brought_in(session, document_of(fields=[]), withdraw=["fields"])
    assert fates(gone) == {("fields", "unit", "colour"): Fate.WITHDRAWN}
    session.expire_all()
    assert made.archived_at is not None
    assert row.archived_at is None


def test_form_numbers_templates_and_letterhead_come_along(session: Any) -> None:
    here, kind = system_actor(estate_id=1), registry().papers["F04"]
    set_form(session, kind, form_no="KF-04", revision="B", actor=here)
    set_letterhead(session, {"header_zh": "安居物业", "header_en": "Anju"}, {}, actor=here)
    document = exported(session, 1, "paper_templates", "letterhead")
    assert document["parts"]["paper_templates"][0]["form_no"] == "KF-04"
    said = fates(brought_in(session, document))
    assert said == {("letterhead", "lines"): Fate.NEW, ("paper_templates", "F04"): Fate.NEW}
    assert exported(session, 2, "paper_templates", "letterhead")["parts"] == document["parts"]
    assert fates(brought_in(session, document)) == {}
    for entry, sentence in (
        ({"form": "F04", "template": "{{ broken"}, ""),
        ({"form": "ZZ", "form_no": "1"}, "no such paper"),
        ({"form": "F04", "form_no": "x" * 41}, "At most 40"),
    ):
        line = next(
            line for line in brought_in(session, document_of(paper_templates=[entry])).lines if line.fate != Fate.KEPT
        )
        assert line.fate == Fate.REFUSED
        assert sentence in line.problem


def test_a_new_duty_is_owed_at_once(changed: Any) -> None:
    brought_in(changed, exported(changed, 1, "duties"))
    duty = one(changed, Duty, 2, code="zz.first")
    assert changed.scalar(select(func.count()).where(DutyOccurrence.duty_id == duty.id))


# On the screen


@pytest.fixture
def manager(client_of: ClientOf) -> Iterator[FlaskClient]:
    return client_of("manager")


def sent(client: FlaskClient, document: Any, name: str = "settings.json") -> Any:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return client.post("/settings/configuration/upload", data={"file": (io.BytesIO(data), name)})


def run_of(session: Any) -> ImportRun:
    found: ImportRun = session.scalars(select(ImportRun).order_by(ImportRun.id.desc())).first()
    return found


def test_upload_look_import_and_the_log(manager: FlaskClient, session: Any) -> None:
    answer = sent(manager, document_of(fee_items=[{"code": "property_service", "rate": "9.99"}]))
    assert answer.status_code == 302, answer.get_data(as_text=True)[:2000]
    run = run_of(session)
    page = manager.get(answer.location).get_data(as_text=True)
    assert "2.80" in page
    assert "9.99" in page
    assert one(session, FeeItem, 1, code="property_service").rate == Decimal("2.80")
    address = f"/settings/configuration/{run.id}/import"
    done = manager.post(address, data={"digest": run.outcome["digest"]}, follow_redirects=True)
    assert "1 setting was changed." in done.get_data(as_text=True)
    session.expire_all()
    item = one(session, FeeItem, 1, code="property_service")
    assert item.rate == Decimal("9.99")
    entry = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.record_type == "fee_item", AuditEntry.record_id == item.id)
        .order_by(AuditEntry.id.desc())
    ).first()
    assert entry.note == "configuration import settings.json"
    assert entry.changes["rate"][1] == "9.99"
    assert "configuration import settings.json" in manager.get(f"/fee-items/{item.id}").get_data(as_text=True)
    twice = manager.post(address, data={"digest": run_of(session).outcome["digest"]}, follow_redirects=True)
    assert "imported already" in twice.get_data(as_text=True)


def test_settings_that_changed_meanwhile_are_shown_again(manager: FlaskClient, session: Any) -> None:
    sent(manager, document_of(fee_items=[{"code": "property_service", "rate": "9.99"}]))
    run = run_of(session)
    shown = run.outcome["digest"]
    one(session, FeeItem, 1, code="property_service").rate = Decimal("5")
    session.commit()
    answer = manager.post(f"/settings/configuration/{run.id}/import", data={"digest": shown}, follow_redirects=True)
    text = answer.get_data(as_text=True)
    assert "nothing was imported" in text
    assert "5.00" in text
    session.expire_all()
    assert one(session, FeeItem, 1, code="property_service").rate == Decimal("5")
    manager.post(f"/settings/configuration/{run.id}/import", data={"digest": run_of(session).outcome["digest"]})
    session.expire_all()
    assert one(session, FeeItem, 1, code="property_service").rate == Decimal("9.99")


def test_parts_and_withdrawal_are_chosen_before_the_import(manager: FlaskClient, session: Any) -> None:
    document = exported(session, 1, "fee_items", "check_categories")
    document["parts"]["fee_items"].pop()
    document["parts"]["check_categories"][0]["repeat_days"] = 7
    sent(manager, document)
    run = run_of(session)
    data = {"parts": ["fee_items", "bogus"], "withdraw": ["fee_items"]}
    manager.post(f"/settings/configuration/{run.id}/look", data=data)
    session.expire_all()
    run = run_of(session)
    assert run.mapping == {"parts": ["fee_items"], "withdraw": ["fee_items"]}
    assert run.outcome["counts"].keys() == {"fee_items"}
    assert run.outcome["does"] == 1


@pytest.mark.parametrize(("name", "data"), [("settings.txt", b"{}"), ("settings.json", b"no"), ("settings.json", b"")])
def test_a_bad_upload_is_answered_with_a_sentence(manager: FlaskClient, session: Any, name: str, data: bytes) -> None:
    answer = sent(manager, data, name)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.get_data(as_text=True)


def test_the_export_is_one_file_with_the_chosen_parts(manager: FlaskClient, session: Any) -> None:
    answer = manager.get("/settings/configuration/export.json?part=fee_items")
    assert answer.mimetype == "application/json"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=guanjia-T1-")
    found = json.loads(answer.data)
    assert (found["estate"]["name_en"], found["product"], list(found["parts"])) == (
        "Test Gardens",
        "1.0.0",
        ["fee_items"],
    )
    assert manager.get("/settings/configuration/export.json?part=magic").status_code == 404


def test_strangers_to_the_settings_find_nothing(client_of: ClientOf, session: Any) -> None:
    sent(client_of("manager"), exported(session, 1, "fee_items"))
    run, reception, neighbour = run_of(session), client_of("receptionist"), client_of("neighbour")
    for client in (reception, neighbour):
        assert client.get(f"/settings/configuration/{run.id}").status_code == 404
        assert (
            client.post(f"/settings/configuration/{run.id}/import", data={"digest": run.outcome["digest"]}).status_code
            == 404
        )
    assert reception.get("/settings/").status_code == 404
    assert reception.get("/settings/configuration/export.json").status_code == 404
    assert sent(reception, {}).status_code == 404


# All settings on one page


def test_every_setting_is_on_one_page_with_count_and_last_change(
    client_of: ClientOf, session: Any, sql_count: Any
) -> None:
    client = client_of("system_administrator")
    item = one(session, FeeItem, 1, code="property_service")
    with acting(dataclasses.replace(system_actor(estate_id=1), name="Wang Li")):
        item.rate = Decimal("4")
        session.commit()
    sql_count.reset()
    text = client.get("/settings/").get_data(as_text=True)
    assert len(sql_count.statements) <= 6
    for title in ("Fee items", "Clock rules", "Duties", "Who decides", "Check items", "Layouts", "Standing texts"):
        assert title in text
    assert "by Wang Li" in text


def test_the_administrator_opens_every_setting(client_of: ClientOf) -> None:
    client = client_of("system_administrator")
    text = client.get("/settings/").get_data(as_text=True)
    links = re.findall(r'list-group-item-action" href="([^"]+)"', text)
    assert len(links) >= 20
    for link in links:
        assert client.get(link).status_code == 200, link


# On the command line


def test_the_command_line_looks_and_imports(live: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from app.core.configuration.commands import configuration

    settings = live.config["GUANJIA"]
    with live.app_context(), acting(system_actor()):
        from app.extensions import db

        for seed in registry().seeds:
            seed(db.session, db.session.scalars(select(Estate)).one())
        db.session.commit()
    file = tmp_path / "out.json"
    runner = CliRunner()
    answer = runner.invoke(configuration, ["export", "--estate", "L1", "--part", "fee_items", str(file)], obj=settings)
    assert answer.exit_code == 0, answer.output
    document = json.loads(file.read_text())
    document["parts"]["fee_items"][0]["rate"] = "7.77"
    file.write_text(json.dumps(document))
    looked = runner.invoke(configuration, ["import", "--estate", "L1", "--dry-run", str(file)], obj=settings)
    assert "Would be: changed 1" in looked.output
    assert "'7.77'" in looked.output
    for tally in ("Done: changed 1", "Done: as it is"):
        done = runner.invoke(configuration, ["import", "--estate", "L1", str(file)], obj=settings)
        assert done.exit_code == 0, done.output
        assert tally.split(":")[0] in done.output
    assert "changed" not in done.output
    assert runner.invoke(configuration, ["export", "--estate", "XX", "-"], obj=settings).exit_code == 1
    assert (
        runner.invoke(configuration, ["export", "--estate", "L1", "--part", "magic", "-"], obj=settings).exit_code == 1
    )


ODD = (None, True, -1, 10**12, "", "x", "9" * 300, [], {}, [[1]], {"a": {"b": 1}}, ["x"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "code", ["clock_rules", "calendar_days", "reviewers", "fee_items", "duties", "check_matrix", "opening_hours"]
)
def test_odd_values_are_refused_or_taken_but_never_break_the_import(session: Any, code: str) -> None:
    entries = exported(session, 2, code)["parts"][code] or [{"day": "2026-05-04", "working": True}]
    if code == "reviewers":
        entries = [{"workflow": "MoveInCase", "state": "fees", "role": "manager", "person": None}]
    entry = next((e for e in entries if e.get("list_name") == "check_items"), entries[0])
    for name in entry:
        for odd in ODD:
            plan = brought_in(session, document_of(**{code: [{**entry, name: odd}]}), dry=True)
            assert plan.lines
            json.dumps(plan.facts())
