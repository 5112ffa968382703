"""Pages of people's records: every record is called by words, the privacy notice can be read (PIPL art. 17)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.records.base import Record
from app.fab.lists import record_views
from app.modules.people.models import PrivacyNotice


def test_records_with_pages_have_words_for_a_title(app: Flask) -> None:
    """The title of a page, the question before a deletion and the lines of a timeline call a record ``str(record)``."""
    with app.app_context():
        models: set[type[Record]] = {view.datamodel.obj for view in record_views().values()}
    assert [model.__name__ for model in models if model.__str__ is object.__str__] == []


@pytest.mark.parametrize(("language", "words"), [("zh", "个人信息处理者"), ("en", "Who processes your information")])
def test_the_privacy_notice_can_be_read(
    session: Session, client_of: Callable[..., FlaskClient], language: str, words: str
) -> None:
    notice = session.scalars(select(PrivacyNotice)).first()
    assert notice is not None
    client = client_of("receptionist")
    client.post(f"/language/{language}")
    page = client.get(f"/privacy-notices/{notice.id}").get_data(as_text=True)
    assert words in page and escape(notice.text["closing"][language]) in page
    assert "&#39;zh&#39;" not in page, "its text is told in words, on the timeline too"
