"""Comments on records: who may write them, whom they reach, and that they are withdrawn, never changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.accounts import create_account
from app.core.access.actor import Actor, NotAllowed, acting
from app.core.access.models import Account
from app.core.access.roles import Role
from app.core.audit.log import verify
from app.core.audit.models import AuditEntry
from app.core.comments.models import Comment
from app.core.comments.services import add_comment, withdraw_comment
from app.core.messages.models import Notice
from app.core.records.estate import Estate
from app.core.records.identifiers import InvalidValue
from app.modules.estates.models import Unit
from app.modules.movein.models import MoveInCase
from tests.movein import factories as make


@pytest.fixture
def unit(session: Session) -> Unit:
    return make.unit_of(session)


@pytest.fixture
def hired(session: Session) -> Callable[..., Account]:
    """``hired("liwei", "李伟")``: a further receptionist of the estate."""

    def hire(username: str, name: str, role: Role = Role.RECEPTIONIST) -> Account:
        return create_account(
            session, username=username, name=name, password="correct-horse-9", roles=[role],
            estates=[session.get_one(Estate, 1)], actor=make.SYSTEM,
        )  # fmt: skip

    return hire


def told(session: Session) -> list[tuple[int, str]]:
    return [(n.person_id, n.event) for n in session.scalars(select(Notice).where(Notice.event == "comment.mentioned"))]


def test_a_comment_stands_on_the_timeline_with_its_text(
    session: Session, unit: Unit, actor_of: Callable[[str], Actor]
) -> None:
    with acting(actor_of("receptionist")) as receptionist:
        comment = add_comment(session, unit, "  Owner asks for\r\na second key. ", actor=receptionist)
    assert (comment.text, comment.unit_id) == ("Owner asks for\na second key.", unit.id)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.kind == "comment")).one()
    assert (entry.subject_type, entry.subject_id, entry.note) == ("unit", unit.id, comment.text)
    assert entry.actor_id == receptionist.user_id


def test_reading_the_record_is_the_right_to_comment(session: Session, actor_of: Callable[[str], Actor]) -> None:
    case = make.new_case(session)
    with acting(actor_of("security")) as security, pytest.raises(NotAllowed):
        add_comment(session, case, "hello", actor=security)
    with acting(actor_of("technician")) as technician:
        assert add_comment(session, case, "hello", actor=technician).id
    with acting(actor_of("neighbour")) as neighbour, pytest.raises(NotAllowed):
        add_comment(session, case, "hello", actor=neighbour)


@pytest.mark.parametrize(("text", "said"), [("  \n ", "Write something"), ("x" * 4001, "at most 4000")])
def test_a_comment_has_a_text_of_bearable_length(session: Session, unit: Unit, text: str, said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        add_comment(session, unit, text, actor=make.SYSTEM)


def test_mentions_reach_whoever_is_meant(
    session: Session, unit: Unit, hired: Callable[..., Account], actor_of: Callable[[str], Actor]
) -> None:
    li, long, other = hired("liwei", "李伟"), hired("liwei2", "李伟明"), hired("wang.fang", "王芳")
    with acting(actor_of("manager")) as manager:
        comment = add_comment(
            session, unit, "＠李伟明请看，@liwei 已知道 @WANG.FANG, mail a@liwei2.cn @nobody", actor=manager
        )
    assert comment.mentions == {"李伟明": long.id, "liwei": li.id, "WANG.FANG": other.id}
    assert sorted(told(session)) == sorted((n, "comment.mentioned") for n in (li.id, long.id, other.id))


def test_a_latin_name_is_no_beginning_of_a_longer_word(
    session: Session, unit: Unit, hired: Callable[..., Account]
) -> None:
    hired("li", "Li Wei")
    assert add_comment(session, unit, "@lily and @li_2", actor=make.SYSTEM).mentions == {}
    assert list(add_comment(session, unit, "@li: thanks", actor=make.SYSTEM).mentions) == ["li"]
    assert list(add_comment(session, unit, "@Li Wei thanks", actor=make.SYSTEM).mentions) == ["Li Wei"]


def test_people_of_one_name_are_told_apart(session: Session, unit: Unit, hired: Callable[..., Account]) -> None:
    hired("liwei", "李伟")
    second = hired("liwei2", "李伟")
    with pytest.raises(InvalidValue, match="@liwei、@liwei2"):
        add_comment(session, unit, "@李伟 请看", actor=make.SYSTEM)
    assert add_comment(session, unit, "@李伟 请看", actor=make.SYSTEM, chosen={second.id}).mentions == {
        "李伟": second.id
    }


def test_nobody_is_mentioned_where_they_cannot_read(session: Session, hired: Callable[..., Account]) -> None:
    case = make.new_case(session)
    hired("guard", "保安甲", Role.SECURITY)
    with pytest.raises(InvalidValue, match="保安甲"):
        add_comment(session, case, "@保安甲 放行", actor=make.SYSTEM)


def test_only_the_author_withdraws_and_the_log_stays_whole(
    session: Session, unit: Unit, actor_of: Callable[[str], Actor]
) -> None:
    with acting(actor_of("receptionist")) as receptionist:
        comment = add_comment(session, unit, "wrong household", actor=receptionist)
    with acting(actor_of("manager")) as manager, pytest.raises(NotAllowed):
        withdraw_comment(session, comment, actor=manager)
    with acting(actor_of("receptionist")):
        withdraw_comment(session, comment, actor=receptionist)
        withdraw_comment(session, comment, actor=receptionist)
    kinds = session.scalars(select(AuditEntry.kind).where(AuditEntry.record_type == "comment")).all()
    assert kinds == ["comment", "withdraw"]
    assert verify(session) is None


# On the pages


def post(client: FlaskClient, record: object, text: str, **more: object) -> object:
    address = f"/comments/{record.__tablename__}/{record.id}"  # type: ignore[attr-defined]
    headers = {"HX-Request": "true"} if more.pop("script", False) else {}
    return client.post(address, data={"text": text, **more}, headers=headers)


def test_a_comment_from_the_page_comes_back_with_the_newest_lines(
    session: Session, unit: Unit, client_of: Callable[[str], FlaskClient]
) -> None:
    session.commit()
    client = client_of("receptionist")
    answer = post(client, unit, "Called <b>back</b> @manager", script=True, submit_token="token-of-this-form")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "Called &lt;b&gt;back&lt;/b&gt;" in page
    assert '<span class="gj-mention">@manager</span>' in page
    assert 'id="comment-token"' in page and "token-of-this-form" not in page
    post(client, unit, "Called <b>back</b> @manager", script=True, submit_token="token-of-this-form")
    assert len(session.scalars(select(Comment)).all()) == 1, "the same form twice is one comment"


def test_without_a_script_the_page_comes_back(
    session: Session, unit: Unit, client_of: Callable[[str], FlaskClient]
) -> None:
    session.commit()
    client = client_of("receptionist")
    answer = post(client, unit, "Called back", next=f"/units/{unit.id}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/units/{unit.id}")
    assert "Called back" in client.get(f"/units/{unit.id}").get_data(as_text=True)
    refused = post(client, unit, "y" * 4001)
    assert refused.status_code == 422
    assert "y" * 4001 in refused.get_data(as_text=True), "what was typed stays in the box"


def test_a_refusal_says_why_beside_the_box(session: Session, client_of: Callable[[str], FlaskClient]) -> None:
    case = make.new_case(session)
    session.commit()
    answer = post(client_of("receptionist"), case, "@security come", script=True)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (422, "#comment-refused")
    assert "may not open this record" in answer.get_data(as_text=True)


def test_a_withdrawn_comment_is_shown_no_more(
    session: Session, unit: Unit, client_of: Callable[[str], FlaskClient]
) -> None:
    session.commit()
    author, colleague = client_of("receptionist"), client_of("manager")
    post(author, unit, "wrong household")
    comment = session.scalars(select(Comment)).one()
    assert f"/comments/{comment.id}/withdraw" in author.get(f"/units/{unit.id}").get_data(as_text=True)
    assert "/withdraw" not in colleague.get(f"/units/{unit.id}").get_data(as_text=True)
    assert colleague.post(f"/comments/{comment.id}/withdraw").status_code == 404
    assert author.post(f"/comments/{comment.id}/withdraw").status_code == 303
    for path in (f"/units/{unit.id}", f"/timeline/unit/{unit.id}", f"/timeline/unit/{unit.id}/print",
                 f"/timeline/unit-diary/{unit.id}", f"/timeline/unit/{unit.id}?q=household"):  # fmt: skip
        page = colleague.get(path).get_data(as_text=True)
        assert "wrong household" not in page
    assert "withdrew" in colleague.get(f"/timeline/unit/{unit.id}").get_data(as_text=True)
    assert "wrote a comment" not in colleague.get(f"/timeline/unit/{unit.id}?q=wrong").get_data(as_text=True)


@pytest.mark.parametrize(("username", "status"), [("receptionist", 303), ("security", 404), ("neighbour", 404)])
def test_who_may_comment_a_case_from_the_page(
    session: Session, client_of: Callable[[str], FlaskClient], username: str, status: int
) -> None:
    case = make.new_case(session)
    session.commit()
    assert post(client_of(username), case, "hello").status_code == status
    page = client_of("receptionist").get(f"/move-ins/{case.id}").get_data(as_text=True)
    assert isinstance(case, MoveInCase) and f'action="/comments/movein_case/{case.id}"' in page


def test_nothing_that_is_no_record_is_commented(session: Session, client_of: Callable[[str], FlaskClient]) -> None:
    session.commit()
    client = client_of("system_administrator")
    for path in ("/comments/ab_user/1", "/comments/estate/1", "/comments/nowhere/1", "/comments/unit/99999999999"):
        assert client.post(path, data={"text": "hello"}).status_code == 404
