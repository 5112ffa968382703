"""A day of concentrated move-in: three people at once, packs in the background, and the worker killed while it prints (MI-03).

The product is served as on a real machine: web processes, and a background worker that the server starts anew.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import time as clock_time
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pikepdf
import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import func, select

import config
from app.core.access.actor import acting, system_actor
from app.core.access.models import Account
from app.core.access.roles import Role
from app.core.audit.log import verify
from app.core.files.services import attachments_of, read
from app.core.jobs.models import Job, JobState
from app.core.jobs.results import failures_of
from app.core.papers.models import Paper, PaperCopy
from app.core.papers.services import original
from app.core.records.clock import estate_today
from app.core.records.database import writing
from app.core.records.numbering import NumberSeries
from app.extensions import db
from app.modules.estates.models import Building, DeliveryType, Unit
from app.modules.estates.services import create_estate
from app.modules.fees.models import Bill, Payment
from app.modules.movein import batch_board, batches
from app.modules.movein.batch_models import BatchUnit, MoveInBatch, Post, QueueTicket, TicketState
from app.modules.movein.models import InspectionRound, MoveInCase
from app.modules.movein.states import CaseState
from tests.browser.conftest import _employ, browsing, look, visiting
from tests.browser.test_journey import draw, saved, sign, step
from tests.conftest import migrated_app, new_database
from tests.movein import factories as make

STAFF = {
    "supervisor": (Role.CS_SUPERVISOR, Post.LEADER), "reception": (Role.RECEPTIONIST, Post.RECEPTION),
    "cashier": (Role.CASHIER, Post.CASHIER), "inspector": (Role.INSPECTOR, Post.INSPECTION),
}  # fmt: skip
MORNING = {
    "8-1-101": CaseState.REGISTRATION, "8-1-201": CaseState.FEES, "8-1-301": CaseState.INSPECTION,
    "8-1-401": None, "8-1-501": CaseState.DOCUMENTS,
}  # fmt: skip
"""Where each unit stands when the doors open; nobody owns the fourth, the fifth owner does not come."""
EVENING = MORNING | {
    "8-1-101": CaseState.SIGNING, "8-1-201": CaseState.SIGNING, "8-1-301": CaseState.COMPLETED,
}  # fmt: skip
ARRIVE = ("8-1-101", "8-1-201", "8-1-301")
KILLED_AFTER = (3, 6)
"""Papers printed when the worker is killed, each time in the middle of a pack."""
PATIENCE = 120_000
"""Milliseconds that anybody waits for anything at most; nobody does on an idle machine."""
DESK = "/move-in-batches/1/desk"


@pytest.fixture
def hall(app: Flask, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """The served installation on its day: ``address``, ``process`` of the server, ``stored(work)`` reads its database."""
    shutil.copy(app.config["GUANJIA"].keys_file, tmp_path)  # a process has one keyring
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for database in new_database(tmp_path):
        settings = config.Settings(
            instance_dir=tmp_path, database_url=database, port=port, job_lease_seconds=2, language="zh"
        )
        home = migrated_app(settings)
        with home.app_context(), acting(system_actor(estate_id=1)):
            plan_the_day()
            db.session.commit()
            db.session.remove()
            db.engine.dispose()

        def stored(work: Callable[[], Any], home: Flask = home) -> Any:
            with home.app_context(), acting(system_actor(estate_id=1)), writing(False):
                try:
                    return work()
                finally:
                    db.session.remove()

        with serving(settings, tmp_path / "said") as process:
            yield SimpleNamespace(address=settings.public_url, process=process, stored=stored, said=tmp_path / "said")
        with home.app_context():
            db.engine.dispose()


@contextmanager
def serving(settings: config.Settings, said: Path) -> Iterator[subprocess.Popen[str]]:
    """The server as a process of its own, from the moment it answers until it has stopped."""
    with said.open("w") as errors, subprocess.Popen(
        [sys.executable, "run.py", "serve"], cwd=config.ROOT, env={**os.environ, **settings.environment()},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            assert settings.public_url in process.stdout.readline(), said.read_text()
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE / 1000)


def plan_the_day() -> None:
    """One building in one batch, opened today, with its task force, appointments and move-ins."""
    session, system = db.session, system_actor()
    estate = create_estate(
        session, actor=system, code="D1", name_zh="云栖花园", name_en="Yunqi Gardens", company_zh="安居物业服务有限公司",
        company_en="Anju Property Service Co., Ltd.", developer_zh="安居置业有限公司",
        developer_en="Anju Development Co., Ltd.", service_phone="010-12345678",
    )  # fmt: skip
    for username, (role, _post) in STAFF.items():
        _employ(username, role, estate)
    building = Building(estate_id=estate.id, code="8")
    session.add(building)
    for code, state in MORNING.items():
        number = code.split("-")[2]
        unit = Unit(
            estate_id=estate.id, building=building, number=number, floor=int(number[0]), code=code,
            layout="一室一厅一厨一卫", delivery_type=DeliveryType.SHELL, gross_area=Decimal("89.32"),
            internal_area=Decimal("71.05"),
        )  # fmt: skip
        session.add(unit)
        session.flush()
        if state is None:
            continue
        case = make.case_at(session, state, unit=unit, owner=make.owner_of(session, unit, name=f"业主{number}"))
        if state == CaseState.REGISTRATION:
            make.register_owner(session, case)
        if state in (CaseState.REGISTRATION, CaseState.FEES):
            make.bill(session, case)
        if state == CaseState.INSPECTION:
            make.read_meters(session, case)
    today = estate_today(session, estate.id)
    batch = batches.save_batch(
        session, None, {"title": "八栋集中入伙", "starts_on": today, "ends_on": today, "place": "会所一层"},
        actor=make.SYSTEM,
    )  # fmt: skip
    batches.add_units(session, batch, building_id=building.id, actor=make.SYSTEM)
    for username, (_role, post) in STAFF.items():
        account = session.scalars(select(Account).where(Account.username == username)).one()
        batches.add_member(session, batch, account_id=account.id, post=post, actor=make.SYSTEM)
    batches.add_slots(
        session, batch, day_from=today, day_to=None, begins_at=clock_time(9), ends_at=clock_time(11), minutes=60,
        capacity=3, actor=make.SYSTEM,
    )  # fmt: skip
    batches.assign_slots(session, batch, actor=make.SYSTEM)
    session.expire_all()
    batches.BATCH.fire(session, batch, "open", actor=make.SYSTEM)
    for line in session.scalars(batches.lines_of(batch)):
        if MORNING[line.unit.code]:
            batches.take_in(session, line, actor=make.SYSTEM)


@pytest.mark.clause("MI-03")
@pytest.mark.slow
def test_a_day_of_concentrated_move_in_with_a_worker_that_dies(hall: SimpleNamespace, chromium: Browser) -> None:
    with visiting(chromium, hall.address, PATIENCE) as visit, ThreadPoolExecutor(3) as people:
        supervisor, wall = visit("supervisor"), visit()
        wall.goto(hall.stored(lambda: f"/now-serving/{db.session.get_one(MoveInBatch, 1).display_key}"))
        print_the_packs(supervisor)
        days = [
            people.submit(spend, hall.address, username, day, username == "inspector")
            for username, day in (("reception", receive), ("cashier", collect), ("inspector", inspect))
        ]
        for papers in KILLED_AFTER:
            kill_the_worker(hall, papers)
        for day in as_completed(days):
            day.result()
        expect(wall.locator("footer")).to_contain_text("接待 Reception 2")
        look(wall, "day-display")
        files = fetch_the_packs(supervisor)
        figures = figures_on_the_board(supervisor)
    assert hall.said.read_text().count("A background worker ended") == len(KILLED_AFTER)
    hall.stored(lambda: check_the_books(files, figures))


def spend(address: str, username: str, day: Callable[[Page], None], phone: bool) -> None:
    """Somebody's day in a browser of their own."""
    with browsing() as browser, visiting(browser, address, PATIENCE) as visit:
        day(visit(username, phone=phone))


def print_the_packs(page: Page) -> None:
    page.goto("/move-in-batches/1")
    page.select_option("#building", index=1)
    page.select_option("#language-packs", "zh")
    page.click("form[action$='/packs'] button.btn-primary")
    expect(page.locator("main progress")).to_be_visible()


def kill_the_worker(hall: SimpleNamespace, papers: int) -> None:
    """Kill the worker outright as soon as so many papers are printed, and see another one take the work over."""

    def printed() -> bool:
        return hall.stored(lambda: db.session.scalar(select(func.count(Paper.id)))) >= papers

    def token() -> str:
        job: Job = hall.stored(lambda: db.session.scalars(select(Job)).one())
        assert job.state == JobState.RUNNING
        return job.lease_token or ""

    until(printed)
    before = token()
    os.kill(worker_of(hall.process.pid), signal.SIGKILL)
    until(lambda: token() != before)


def worker_of(server: int) -> int:
    """Process number of the server's only background worker."""

    def found() -> list[int]:
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        return [int(c) for c in children if b"\0worker\0" in Path(f"/proc/{c}/cmdline").read_bytes()]

    (number,) = found()
    return number


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE / 1000
    while not true():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.1)


# What people do


def receive(page: Page) -> None:
    """The reception checks owners in, gives them slips, takes the registration in, and hands the keys over."""
    for number, code in enumerate(ARRIVE, 1):
        page.goto(f"{DESK}?post=reception&desk=1&text={code}")
        page.click(f"li:has-text('{code}') form[action*='/check-in/'] button")
        drawn = page.locator(".batch-drawn")
        expect(drawn).to_contain_text(f"{number:03d}")
        if number == 1:
            look(page, "day-drawn")
            with page.expect_popup() as slip:
                drawn.locator("a.btn").click()
            expect(slip.value.locator(".slip")).to_contain_text(code)
            expect(slip.value.locator(".slip .number")).to_contain_text("001")
            look(slip.value, "day-slip")
            slip.value.close()
    case = call(page, "reception", "1")
    look(page, "day-desk")
    case()
    step(page, "confirm_registration")
    saved(page, "登记完成")
    finish(page, "reception", "1", "收费")
    call(page, "keys", "1")()  # whom the inspector sends
    page.click("form[action$='/keys/usual'] button")
    sign(page, "F13")
    step(page, "hand_over_keys")
    expect(page.locator("main .badge").first).to_have_text("已办结")
    finish(page, "keys", "1", "已办结")


def collect(page: Page) -> None:
    """The cashier takes the money of two owners, one of whom comes from the reception."""
    for _owner in range(2):
        call(page, "cashier", "2")()
        page.check(".form-selectgroup-item:has-text('微信')")
        page.click("form[action$='/pay'] button.btn-primary")
        expect(page.locator(".movein-bill table").nth(1)).to_be_visible()
        step(page, "close_fees")
        saved(page, "签约")
        finish(page, "cashier", "2", "接待")


def inspect(page: Page) -> None:
    """The inspector goes through the unit with the owner, on a phone."""
    call(page, "inspection", "A3")()
    look(page, "day-phone")
    page.tap("main a[href$='/inspection']")
    page.tap("form[action$='/inspection/start'] button")
    expect(page.locator(".ins-space[open]")).to_be_visible()
    for _space in page.locator(".ins-space").all():
        with page.expect_navigation():  # the next space with something left opens by itself
            page.tap(".ins-space[open] .ins-rest button:visible")
    draw(page, "form[action$='/inspection/sign']")
    page.tap("form[action$='/inspection/sign'] button.btn-primary")
    page.tap("#conclusion details:has(form[action$='/conclude/accept']) > summary")
    page.tap("form[action$='/conclude/accept'] button")
    expect(page.locator("#conclusion strong").first).to_be_visible()
    finish(page, "inspection", "A3", "领钥匙")


def call(page: Page, post: str, desk: str) -> Callable[[], None]:
    """Wait at a desk until somebody waits for its post, call them, and return what opens their move-in."""
    page.goto(f"{DESK}?post={post}&desk={desk}")
    expect(page.locator("#line .batch-people li").first).to_be_visible(timeout=PATIENCE)
    page.click("form[action*='/desk/call'] button")
    expect(page.locator(".batch-now strong")).to_be_visible()
    return lambda: page.click(".batch-now a.btn")


def finish(page: Page, post: str, desk: str, goes_on: str) -> None:
    page.goto(f"{DESK}?post={post}&desk={desk}")
    page.click(".batch-finish button")
    saved(page, goes_on)


# What is left in the evening


def fetch_the_packs(page: Page) -> dict[str, bytes]:
    """The files of the ended work, whose page leads to the unit that nobody owns."""
    expect(page.locator("main a.btn-primary")).to_have_count(2, timeout=PATIENCE)
    expect(page.locator("main li a")).to_have_text("8-1-401")
    expect(page.locator("main li a")).to_have_attribute("href", "/households/4")
    look(page, "day-packs")
    found = {}
    for link in page.locator("main a.btn-primary").all():
        address = link.get_attribute("href") or ""
        found[address.rpartition(".")[2]] = page.context.request.get(address).body()
    return found


def figures_on_the_board(page: Page) -> list[str]:
    page.goto("/move-in-batches/1/board")
    look(page, "day-board")
    return page.locator(".batch-figures dd").all_inner_texts()


def check_the_books(files: dict[str, bytes], figures: list[str]) -> None:
    """Nothing is lost and nothing doubled: states, papers, files, numbers, money, tickets, change log, figures."""
    session = db.session
    lines = session.scalars(batches.lines_of(session.get_one(MoveInBatch, 1))).all()
    cases = {line.unit.code: line.case for line in lines if line.case}
    assert {line.unit.code: line.case.state if line.case else None for line in lines} == EVENING
    job = session.scalars(select(Job)).one()
    assert job.state == JobState.DONE and [told["label"] for told in failures_of(job)] == ["8-1-401"]
    check_the_packs(files, cases)
    check_the_numbers()
    check_the_money()
    tickets = {ticket.line.unit.code: ticket for ticket in session.scalars(select(QueueTicket))}
    assert {code: ticket.state for code, ticket in tickets.items()} == {
        "8-1-101": TicketState.WAITING, "8-1-201": TicketState.WAITING, "8-1-301": TicketState.DONE,
    }  # fmt: skip
    assert verify(session) is None
    told = batch_board.board(session, lines[0].batch, day=estate_today(session, 1)).figures
    assert (told.invited, told.arrived, told.accepted, told.with_defects, told.refused, told.keys) == (5, 3, 1, 0, 0, 1)
    assert figures[:6] == ["5", "3", "1", "0", "0", "1"]
    assert told.average is not None


def check_the_packs(files: dict[str, bytes], cases: dict[str, MoveInCase]) -> None:
    """Every pack is there once, of papers that were issued once each; the merged file has all their pages."""
    session = db.session
    papers = session.scalars(select(Paper)).all()
    assert not [paper.number for paper in papers if paper.superseded_by_id or paper.voided_at]
    issued = Counter((paper.unit_code, paper.code, paper.record_type, paper.record_id) for paper in papers)
    assert set(issued.values()) == {1}
    assert session.scalar(select(func.count(PaperCopy.id))) == 0
    with zipfile.ZipFile(io.BytesIO(files["zip"])) as archive, pikepdf.open(io.BytesIO(files["pdf"])) as whole:
        assert archive.namelist() == [f"{code}.pdf" for code in cases]
        assert [entry.title for entry in whole.open_outline().root] == list(cases)
        pages = {name.removesuffix(".pdf"): page_count(archive.read(name)) for name in archive.namelist()}
        assert len(whole.pages) == sum(pages.values())
    wanted: Counter[str] = Counter()
    for paper in papers:
        assert page_count(original(paper)) == paper.pages
        wanted[paper.unit_code] += paper.pages
    assert pages == wanted
    lines = session.scalars(select(BatchUnit)).all()
    assert {line.case_id for line in lines if line.packed_at} == {case.id for case in cases.values()}
    kept = {
        file.name.rpartition(".")[2]: read(file)
        for file in attachments_of(session, session.get_one(Job, 1), kind="result")
    }
    assert kept == files


def check_the_money() -> None:
    """Each of the two owners who came to the cashier has paid their bill once, and all of it."""
    paid = db.session.execute(
        select(Unit.code, Payment.amount, Bill.receivable, Bill.received)
        .join(Bill, Bill.id == Payment.bill_id).join(Unit, Unit.id == Bill.unit_id).order_by(Unit.code)
    ).all()  # fmt: skip
    assert [row.code for row in paid] == ["8-1-101", "8-1-201"]
    assert all(row.amount == row.receivable == row.received > 0 for row in paid)


def page_count(pdf: bytes) -> int:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return len(opened.pages)


def check_the_numbers() -> None:
    """Every series counts from one to its last without a gap, every number stands on one document."""
    session = db.session
    columns = (Paper.number, MoveInCase.number, Bill.number, Payment.receipt_no, InspectionRound.number)
    borne = [number for column in columns for number in session.scalars(select(column))]
    series = session.scalars(select(NumberSeries)).all()
    assert {row.series for row in series} >= {"MI", "F10", "F12", "F17"}
    for row in series:
        stem = f"{row.series}-{row.year}-"
        numbers = {number for number in borne if number.startswith(stem)}
        if not row.series.startswith("Q"):
            assert numbers == {f"{stem}{number:05d}" for number in range(1, row.last + 1)}
    tickets = sorted(session.scalars(select(QueueTicket.number)))
    assert tickets == list(range(1, len(ARRIVE) + 1))
