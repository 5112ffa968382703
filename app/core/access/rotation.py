"""Writing all personal data anew with a fresh encryption key."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Text, bindparam, select, type_coerce, update
from sqlalchemy.orm import Session

from app.core.access.keyring import current_keyring
from app.core.records.secrets import EncryptedText
from app.extensions import db

BATCH = 1000


def rotate(session: Session) -> int:
    """Add a new encryption key, write every encrypted value with it, and return how many there were.

    Committed batch by batch: old keys stay readable, so that it may be stopped and started again at any time.
    The index key stays, so hashes for search remain valid; no record's version or change log is touched.
    """
    keyring = current_keyring()
    keyring.rotate()
    count = 0
    for table in db.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, EncryptedText):
                count += _rewrite(session, table.c.id, column)
    return count


def _rewrite(session: Session, key: Any, column: Any) -> int:
    keyring = current_keyring()
    stored = type_coerce(column, Text)
    change = update(column.table).where(key == bindparam("row")).values({column: type_coerce(bindparam("token"), Text)})
    last, count = 0, 0
    while True:
        rows = (
            session.connection()
            .execute(select(key, stored).where(key > last, column.is_not(None)).order_by(key).limit(BATCH))
            .all()
        )
        if not rows:
            return count
        session.connection().execute(change, [{"row": row[0], "token": keyring.reencrypt(row[1])} for row in rows])
        session.commit()
        last, count = rows[-1][0], count + len(rows)
