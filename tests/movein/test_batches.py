"""Concentrated move-in from the plan to the keys: batch, board, queue, packs, and the duty it brings (MI-03)."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import time, timedelta
from decimal import Decimal

import pikepdf
import pytest
from sqlalchemy import func, select

from app.core.access.actor import NotAllowed
from app.core.access.models import Account
from app.core.files.services import attachments_of, read
from app.core.jobs import worker
from app.core.jobs.models import Job, JobState
from app.core.papers.models import Paper, PaperCopy
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.workflow.table import Blocked
from app.modules.duties.models import Duty
from app.modules.estates.models import Building, DeliveryType, Entrance, Unit
from app.modules.movein import batch_board, batch_jobs, batch_queue, batches
from app.modules.movein.batch_models import BatchSlot, BatchState, BatchUnit, MoveInBatch, Post, TicketState
from app.modules.movein.models import MoveInCase
from app.modules.movein.states import CaseState
from tests.movein import factories as make

pytestmark = pytest.mark.clause("MI-03")


@pytest.fixture
def house(session):
    """A building with two entrances: 1-101, 1-201, 2-101, 2-201; the last unit has no owner."""
    building = Building(estate_id=1, code="9")
    session.add(building)
    for entrance_code in ("1", "2"):
        entrance = Entrance(estate_id=1, building=building, code=entrance_code)
        session.add(entrance)
        for floor in (1, 2):
            number = f"{floor}01"
            unit = Unit(
                estate_id=1, building=building, entrance=entrance, number=number, floor=floor,
                code=f"9-{entrance_code}-{number}", layout="一室一厅一厨一卫", delivery_type=DeliveryType.SHELL,
                gross_area=Decimal("89.32"), internal_area=Decimal("71.05"),
            )  # fmt: skip
            session.add(unit)
            session.flush()
            if unit.code != "9-2-201":
                make.owner_of(session, unit, name=f"业主{unit.code}")
    session.flush()
    return building


@pytest.fixture
def batch(session, house):
    """An open batch of the building, today and tomorrow, with the cashier in its task force."""
    today = estate_today(session, 1)
    batch = batches.save_batch(
        session, None,
        {"title": "九栋集中入伙", "starts_on": today, "ends_on": today + timedelta(days=1), "place": "会所一层"},
        actor=make.SYSTEM,
    )  # fmt: skip
    batches.add_units(session, batch, building_id=house.id, actor=make.SYSTEM)
    cashier = session.scalars(select(Account).where(Account.username == "cashier")).one()
    batches.add_member(session, batch, account_id=cashier.id, post=Post.CASHIER, actor=make.SYSTEM)
    session.expire_all()
    batches.BATCH.fire(session, batch, "open", actor=make.SYSTEM)
    session.commit()
    return batch


def lines_of(session, batch):
    query = select(BatchUnit).join(BatchUnit.unit).where(BatchUnit.batch_id == batch.id).order_by(Unit.code_order)
    return session.scalars(query).all()


def run_jobs(session, app):
    """Let the worker do what waits; returns the last job."""
    assert worker.run_next(app)
    session.expire_all()
    return session.scalars(select(Job).order_by(Job.id.desc())).first()


# Planning


def test_a_batch_is_planned_in_the_browser(session, client_of, house):
    supervisor, today = client_of("cs_supervisor"), estate_today(session, 1)
    sent = {"title": "一期", "starts_on": today, "ends_on": today + timedelta(days=2), "place": "会所"}
    at = supervisor.post("/move-in-batches/new", data=sent).location
    account = session.scalars(select(Account).where(Account.username == "inspector")).one()
    assert supervisor.post(f"{at}/members", data={"account_id": account.id, "post": "inspection"}).status_code == 302
    assert supervisor.post(f"{at}/units", data={"building_id": house.id, "floor_from": "2"}).status_code == 302
    assert supervisor.post(f"{at}/units", data={"codes": "9栋1单元101\n9-2-101"}).status_code == 302
    hours = {"day_from": today, "begins_at": "09:00", "ends_at": "11:00", "minutes": "60", "capacity": "2"}
    assert supervisor.post(f"{at}/slots", data=hours).status_code == 302
    assert supervisor.post(f"{at}/assign").status_code == 302
    page = supervisor.get(at).text
    assert "1 unit has no owner" in page and "9-2-201" in page and "Inspector" in page
    batch = session.scalars(select(MoveInBatch)).one()
    given = [(line.unit.code, line.slot.begins_at.hour) for line in lines_of(session, batch)]
    assert given == [("9-1-101", 9), ("9-1-201", 9), ("9-2-101", 10), ("9-2-201", 10)]
    assert supervisor.post(f"{at}/transition/open").status_code == 302
    session.expire_all()
    assert batch.state == BatchState.OPEN
    told = supervisor.get(f"/timeline/movein_batch/{batch.id}").text
    assert "Open the batch" in told


def test_only_supervisor_and_manager_plan(session, client_of, batch):
    for name in ("receptionist", "cashier", "inspector"):
        client = client_of(name)
        assert client.get(f"/move-in-batches/{batch.id}").status_code == 200
        for command in ("units", "slots", "members", "cases", "packs", "assign", "display"):
            assert client.post(f"/move-in-batches/{batch.id}/{command}").status_code == 404
    assert client_of("neighbour").get(f"/move-in-batches/{batch.id}/board").status_code == 404
    assert client_of("security").get(f"/move-in-batches/{batch.id}/board").status_code == 404


def test_everyone_of_the_task_force_sees_the_board(session, client_of, batch):
    guard = session.scalars(select(Account).where(Account.username == "security")).one()
    batches.add_member(session, batch, account_id=guard.id, post=Post.RECEPTION, actor=make.SYSTEM)
    session.commit()
    assert "9-1-101" in client_of("security").get(f"/move-in-batches/{batch.id}/board").text


def test_codes_that_are_no_units_are_named_and_nothing_is_taken(session, client_of, batch):
    answer = client_of("manager").post(f"/move-in-batches/{batch.id}/units", data={"codes": "9-1-101, 77-7-707"})
    assert answer.status_code == 422 and "77-7-707" in answer.text


def test_a_unit_is_in_one_batch_under_way(session, batch, house):
    today = estate_today(session, 1)
    other = batches.save_batch(
        session, None, {"title": "另一批", "starts_on": today, "ends_on": today}, actor=make.SYSTEM
    )  # fmt: skip
    chosen = batches.add_units(session, other, building_id=house.id, actor=make.SYSTEM)
    assert (chosen.added, len(chosen.elsewhere)) == (0, 4)
    batches.BATCH.fire(session, batch, "close", actor=make.SYSTEM)
    assert batches.add_units(session, other, building_id=house.id, actor=make.SYSTEM).added == 4
    with pytest.raises(InvalidValue, match="9-1-101"):
        batches.BATCH.fire(session, batch, "reopen", actor=make.SYSTEM, inputs={"reason": "Too early"})


def test_appointments_are_changed_one_by_one_until_they_are_full(session, batch):
    today = batch.starts_on
    batches.add_slots(
        session, batch, day_from=today, day_to=None, begins_at=time(9), ends_at=time(10), minutes=30, capacity=1,
        actor=make.SYSTEM,
    )  # fmt: skip
    early, late = session.scalars(select(BatchSlot).order_by(BatchSlot.begins_at)).all()
    assert batches.assign_slots(session, batch, actor=make.SYSTEM) == (2, 2)
    first, second, third, _last = lines_of(session, batch)
    assert (first.slot_id, second.slot_id) == (early.id, late.id)
    with pytest.raises(InvalidValue, match="full"):
        batches.set_slot(session, third, late, actor=make.SYSTEM)
    batches.set_slot(session, first, None, actor=make.SYSTEM)
    batches.set_slot(session, third, early, actor=make.SYSTEM)
    assert third.slot_id == early.id
    with pytest.raises(InvalidValue, match="within the period"):
        batches.add_slots(
            session, batch, day_from=today - timedelta(days=1), day_to=None, begins_at=time(9), ends_at=time(10),
            minutes=None, capacity=1, actor=make.SYSTEM,
        )  # fmt: skip


@pytest.mark.clause("MI-12")
def test_the_manager_owes_four_spot_checks_while_a_batch_is_open(session, batch):
    duty = session.scalars(select(Duty).where(Duty.code == batches.SPOT_CHECK, Duty.estate_id == 1)).one()
    assert (duty.active, duty.valid_from, duty.valid_to) == (True, batch.starts_on, batch.ends_on)
    batches.save_batch(session, batch, {"ends_on": batch.ends_on + timedelta(days=20)}, actor=make.SYSTEM)
    assert duty.valid_to == batch.ends_on
    batches.BATCH.fire(session, batch, "close", actor=make.SYSTEM)
    assert duty.valid_to == estate_today(session, 1)


# Cases and packs


def test_every_unit_gets_its_move_in_once_and_failures_are_told(session, app, client_of, batch, monkeypatch):
    unit = session.scalars(select(Unit).where(Unit.code == "9-1-201")).one()
    earlier = make.new_case(session, unit=unit, owner=batches.owners_of(session, unit.id)[0].person)
    session.commit()
    manager, at = client_of("manager"), f"/move-in-batches/{batch.id}"
    assert manager.post(f"{at}/cases", data={"notices": "yes", "language": "zh"}).status_code == 302
    job = run_jobs(session, app)
    assert (job.state, job.error) == (JobState.DONE, "")
    (told,) = job.result["failures"]
    assert (told["table"], told["label"]) == ("unit", "9-2-201")
    page = manager.get(f"/jobs/{job.id}").text
    assert f'<a href="/households/{told["id"]}">9-2-201</a>: No owner' in page
    cases = session.scalars(select(MoveInCase)).all()
    assert len(cases) == 3 and earlier.id in {line.case_id for line in lines_of(session, batch)}
    assert (earlier.handover_from, earlier.handover_place) == (batch.starts_on, "会所一层")
    assert session.scalar(select(func.count(Paper.id)).where(Paper.code == "F16")) == 3
    manager.post(f"{at}/cases", data={"notices": "yes", "language": "zh"})
    run_jobs(session, app)
    assert session.scalar(select(func.count(MoveInCase.id))) == 3
    assert session.scalar(select(func.count(Paper.id))) == 3


def test_cases_broken_off_in_the_middle_go_on_without_doubling(session, app, client_of, batch, monkeypatch):
    client_of("manager").post(f"/move-in-batches/{batch.id}/cases", data={"notices": "yes", "language": "zh"})
    wanted, real = iter([True, False]), batch_jobs.take_in

    def dies(*args, **kwargs):
        if not next(wanted, False):
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(batch_jobs, "take_in", dies)
    with pytest.raises(KeyboardInterrupt):
        worker.run_next(app)
    session.rollback()
    monkeypatch.setattr(batch_jobs, "take_in", real)
    job = session.scalars(select(Job)).one()
    job.lease_until = job.created_at - timedelta(minutes=1)
    session.commit()
    job = run_jobs(session, app)
    assert job.state == JobState.DONE and "3 move-ins opened" in job.result["message"]
    assert session.scalar(select(func.count(MoveInCase.id))) == 3
    assert session.scalar(select(func.count(Paper.id)).where(Paper.code == "F16")) == 3


def test_packs_come_as_one_file_and_as_single_ones_and_nothing_is_issued_twice(session, app, client_of, batch, monkeypatch):  # fmt: skip
    for line in lines_of(session, batch)[2:]:
        batches.remove_unit(session, line, actor=make.SYSTEM)
    for line in lines_of(session, batch):
        batches.take_in(session, line, actor=make.SYSTEM)
    session.commit()
    manager, at = client_of("manager"), f"/move-in-batches/{batch.id}"
    wanted, real = iter([True] * 14), batch_jobs.issue

    def dies(*args, **kwargs):
        if not next(wanted, False):
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    manager.post(f"{at}/packs", data={"language": "zh"})
    monkeypatch.setattr(batch_jobs, "issue", dies)
    with pytest.raises(KeyboardInterrupt):
        worker.run_next(app)
    session.rollback()
    monkeypatch.setattr(batch_jobs, "issue", real)
    whole_packs = sum(len(batch_jobs.pack_sheets(line.case)) for line in lines_of(session, batch))
    assert session.scalar(select(func.count(Paper.id))) == 14 < whole_packs
    job = session.scalars(select(Job)).one()
    job.lease_until = job.created_at - timedelta(minutes=1)
    session.commit()
    job = run_jobs(session, app)
    assert (job.state, job.error) == (JobState.DONE, "")
    assert session.scalar(select(func.count(Paper.id))) == whole_packs
    assert session.scalar(select(func.count(PaperCopy.id))) == 0
    files = {file.name.rpartition(".")[2]: read(file) for file in attachments_of(session, job, kind="result")}
    with zipfile.ZipFile(io.BytesIO(files["zip"])) as archive, pikepdf.open(io.BytesIO(files["pdf"])) as whole:
        assert archive.namelist() == ["9-1-101.pdf", "9-1-201.pdf"]
        pages = [len(pikepdf.open(io.BytesIO(archive.read(name))).pages) for name in archive.namelist()]
        assert len(whole.pages) == sum(pages)
        assert [entry.title for entry in whole.open_outline().root] == ["9-1-101", "9-1-201"]
    assert "F01" not in {paper.code for paper in session.scalars(select(Paper))}
    assert all(line.packed_at for line in lines_of(session, batch))


# Queue


def test_an_owner_goes_from_the_reception_to_the_post_of_their_step(session, client_of, batch):
    clerk, cashier, at = client_of("receptionist"), client_of("cashier"), f"/move-in-batches/{batch.id}/desk"
    line = lines_of(session, batch)[0]
    assert "9-1-101" in clerk.get(f"{at}?text=1-101").text
    clerk.post(f"{at}/check-in/{line.id}", data={"post": "reception", "desk": "3"})
    session.expire_all()
    assert line.case is not None and line.arrived_at is not None
    assert "001" in clerk.get(f"{at}?post=reception&desk=3").text
    clerk.post(f"{at}/call", data={"post": "reception", "desk": "3"})
    (ticket,) = session.scalars(select(batches.QueueTicket)).all()
    assert (ticket.state, ticket.desk, ticket.label) == (TicketState.CALLED, "3", "001")
    for fill, transition in make.WAY[:2]:
        fill(session, line.case, make.SYSTEM)
        make.move(session, line.case, transition)
    session.commit()
    answer = clerk.post(f"{at}/tickets/{ticket.id}/finish", data={"post": "reception", "desk": "3"})
    assert "goes on to: Payment counter" in clerk.get(answer.location).text
    session.expire_all()
    assert (ticket.post, ticket.state) == (Post.CASHIER, TicketState.WAITING)
    cashier.post(f"{at}/call?post=cashier&desk=5")
    session.expire_all()
    assert ticket.desk == "5"
    cashier.post(f"{at}/tickets/{ticket.id}/skip", data={"post": "cashier", "desk": "5"})
    cashier.post(f"{at}/tickets/{ticket.id}/again", data={"post": "cashier", "desk": "5"})
    session.expire_all()
    assert ticket.state == TicketState.WAITING
    assert client_of("technician").post(f"{at}/call?post=cashier&desk=6").status_code == 404
    assert cashier.post(f"{at}/check-in/{line.id}").status_code == 404


def test_the_longest_waiting_is_called_and_a_desk_serves_one_at_a_time(session, batch):
    first, second, *_rest = lines_of(session, batch)
    one, two = (batch_queue.check_in(session, line, actor=make.SYSTEM) for line in (first, second))
    assert (one.number, two.number) == (1, 2)
    with pytest.raises(InvalidValue, match="001 already"):
        batch_queue.check_in(session, first, actor=make.SYSTEM)
    assert batch_queue.call_next(session, batch, post=Post.RECEPTION, desk="1", actor=make.SYSTEM) is one
    with pytest.raises(InvalidValue, match="001 is still being served"):
        batch_queue.call_next(session, batch, post=Post.RECEPTION, desk="1", actor=make.SYSTEM)
    assert batch_queue.call_next(session, batch, post=Post.RECEPTION, desk="2", actor=make.SYSTEM) is two
    with pytest.raises(InvalidValue, match="Nobody waits"):
        batch_queue.call_next(session, batch, post=Post.RECEPTION, desk="3", actor=make.SYSTEM)
    with pytest.raises(Blocked, match="2 owners"):
        batches.BATCH.fire(session, batch, "close", actor=make.SYSTEM)
    assert batch_queue.finish(session, one, actor=make.SYSTEM) is None
    assert one.state == TicketState.DONE


def test_a_unit_without_an_owner_gets_no_ticket(session, batch):
    with pytest.raises(InvalidValue, match="No owner"):
        batch_queue.check_in(session, lines_of(session, batch)[3], actor=make.SYSTEM)


def test_the_display_needs_no_login_and_names_nobody(session, app, client_of, batch):
    line = lines_of(session, batch)[0]
    batch_queue.check_in(session, line, actor=make.SYSTEM)
    batch_queue.call_next(session, batch, post=Post.RECEPTION, desk="8", actor=make.SYSTEM)
    session.commit()
    stranger, key = app.test_client(), batch.display_key
    shown = stranger.get(f"/now-serving/{key}").text
    assert all(f"<td>{text}</td>" in shown for text in ("001", "9-1-101", "8"))
    assert "业主" not in shown and line.case.owner.name not in shown
    assert "001" in stranger.get(f"/now-serving/{key}/lines").text
    assert stranger.get("/now-serving/abcdefgh").status_code == 404
    client_of("manager").post(f"/move-in-batches/{batch.id}/display")
    assert stranger.get(f"/now-serving/{key}").status_code == 404


# Board


def test_the_board_tells_where_every_unit_stands_and_the_figures_of_the_day(session, client_of, batch):
    first, second, third, _last = lines_of(session, batch)
    batches.add_slots(
        session, batch, day_from=batch.starts_on, day_to=None, begins_at=time(9), ends_at=time(12), minutes=None,
        capacity=3, actor=make.SYSTEM,
    )  # fmt: skip
    batches.assign_slots(session, batch, actor=make.SYSTEM)
    for line in (first, second, third):
        batch_queue.check_in(session, line, actor=make.SYSTEM)
    for fill, transition in make.WAY:
        fill(session, first.case, make.SYSTEM)
        if transition == "accept":
            make.sign(session, first.case, "F11")
        make.move(session, first.case, transition)
    session.commit()
    seen = batch_board.board(session, batch, day=estate_today(session, 1))
    assert seen.counts == {"completed": 1, "documents": 2, "none": 1}
    figures = seen.figures
    assert (figures.invited, figures.arrived, figures.accepted, figures.refused, figures.keys) == (3, 3, 1, 0, 1)
    assert figures.average is not None and timedelta() < figures.average < timedelta(minutes=10)
    text = client_of("cashier").get(f"/move-in-batches/{batch.id}/board").text
    assert "业主9-1-101" in text and "No owner" in text
    only = client_of("cashier").get(f"/move-in-batches/{batch.id}/board/lines?step=completed").text
    assert "9-1-101" in only and "9-1-201" not in only


def test_the_board_takes_the_same_number_of_statements_for_any_number_of_units(session, batch, sql_count):
    def statements():
        session.expunge_all()
        fresh = session.scalars(select(MoveInBatch).where(MoveInBatch.id == batch_id)).one()
        today = estate_today(session, 1)
        sql_count.reset()
        tiles = batch_board.board(session, fresh, day=today).tiles
        assert [tile.owner for tile in tiles]
        return len(sql_count.statements)

    batch_id = batch.id
    few = statements()
    fresh = session.get_one(MoveInBatch, batch_id)
    for line in lines_of(session, fresh)[:3]:
        batch_queue.check_in(session, line, actor=make.SYSTEM)
    for _number in range(3):
        unit = make.unit_of(session)
        make.owner_of(session, unit)
        batches.add_units(session, fresh, codes=unit.code, actor=make.SYSTEM)
    session.commit()
    assert statements() == few <= 5


def test_a_case_that_is_not_open_any_more_counts_as_moved_in(session, batch):
    line = lines_of(session, batch)[0]
    owner = batches.owners_of(session, line.unit_id)[0].person
    make.case_at(session, CaseState.COMPLETED, unit=line.unit, owner=owner)
    with pytest.raises(InvalidValue, match="moved in already"):
        batches.take_in(session, line, actor=make.SYSTEM)


def test_a_stranger_to_planning_is_refused_by_the_services(session, batch, actor_of):
    with pytest.raises(NotAllowed):
        batches.add_units(session, batch, codes="9-1-101", actor=actor_of("receptionist"))


def test_pages_that_ask_again_are_sent_only_what_is_new(session, client_of, batch):
    """What is open or typed on the desk, and the blinking of the display, outlive the asking (MI-03)."""
    clerk, at = client_of("receptionist"), f"/move-in-batches/{batch.id}"
    asks = [
        (f"{at}/board", f"{at}/board/lines"),
        (f"{at}/desk?desk=1", f"{at}/desk/lines?desk=1"),
        (f"/now-serving/{batch.display_key}", f"/now-serving/{batch.display_key}/lines"),
    ]
    addresses = []
    for page, part in asks:
        assert 'hx-trigger="every' in clerk.get(page).text
        drawn = clerk.get(part).text
        addresses.append(re.search(r'hx-get="([^"]+)"', drawn)[1].replace("&amp;", "&"))
    assert [clerk.get(address).status_code for address in addresses] == [204, 204, 204]
    for line in lines_of(session, batch)[:2]:
        batch_queue.check_in(session, line, actor=make.SYSTEM)
    batch_queue.call_next(session, batch, post=Post.RECEPTION, desk="1", actor=make.SYSTEM)
    session.commit()
    assert [clerk.get(address).status_code for address in addresses] == [200, 200, 200]


def test_whoever_is_checked_in_is_offered_a_slip_that_tells_no_name(session, client_of, batch):
    clerk, at = client_of("receptionist"), f"/move-in-batches/{batch.id}"
    for line in lines_of(session, batch)[:3]:
        answer = clerk.post(f"{at}/desk/check-in/{line.id}", data={"post": "reception", "desk": "1"})
    offered = clerk.get(answer.location).text
    assert "2 owners wait before" in offered
    (address,) = re.findall(r'href="([^"]+/slip)"', offered)
    slip = clerk.get(address).text
    assert all(told in slip for told in ("003", "9-2-101", "测试花园", "会所一层", "接待", "Reception", "<svg"))
    assert re.search(r"Before you</small></dt><dd>2 ", slip)
    assert "业主9-2-101" not in slip
    assert len(re.findall(r'href="[^"]+/slip"', clerk.get(f"{at}/board").text)) == 3
    assert client_of("cashier").get(address).status_code == 404
    assert "/slip" not in client_of("cashier").get(f"{at}/board").text
    assert client_of("neighbour").get(address).status_code == 404


def test_a_form_that_comes_twice_gives_one_ticket(session, client_of, batch):
    clerk, line = client_of("receptionist"), lines_of(session, batch)[0]
    sent = {"post": "reception", "desk": "1", "submit_token": "once-and-only-once"}
    at = f"/move-in-batches/{batch.id}/desk/check-in/{line.id}"
    first, second = clerk.post(at, data=sent), clerk.post(at, data=sent)
    assert first.location == second.location
    assert session.scalar(select(func.count(batches.QueueTicket.id))) == 1
