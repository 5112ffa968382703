"""A connection that PostgreSQL ended while it waited in the pool is replaced before anybody gets it."""

from __future__ import annotations

import os

import pytest
from flask import Flask
from sqlalchemy import text

from app.extensions import db

ME = text("SELECT pg_backend_pid()")


@pytest.mark.postgres
def test_a_connection_ended_by_the_server_is_replaced(app: Flask) -> None:
    if not os.environ.get("GUANJIA_TEST_DATABASE_URL"):
        pytest.skip("needs PostgreSQL")
    with app.app_context(), db.engine.connect() as one:
        with db.engine.connect() as other:
            ended = other.scalar(ME)
        one.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": ended})
        with db.engine.connect() as again:
            assert again.scalar(ME) != ended
        with db.engine.connect() as kept:
            assert kept.scalar(ME) != ended
