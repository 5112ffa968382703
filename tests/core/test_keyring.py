"""Master keys and the columns that use them."""

import json
import multiprocessing
import os

import pytest
from sqlalchemy import String, create_engine, inspect, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from app.core.access import keyring as keyrings
from app.core.access.keyring import Keyring, KeyringError, current_keyring, use_keyring
from app.core.records.identifiers import InvalidValue, citizen_id, phone
from app.core.records.secrets import EncryptedText, HasSecrets


@pytest.fixture
def path(tmp_path):
    return tmp_path / "instance" / "keys.json"


@pytest.fixture
def keyring(path, monkeypatch):
    monkeypatch.setattr(keyrings, "_current", None)
    ring = Keyring.load_or_create(path)
    use_keyring(ring)
    return ring


def test_the_key_file_is_private_and_kept(path):
    first = Keyring.load_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == [path.name]
    token = first.encrypt("13800000000")
    second = Keyring.load_or_create(path)
    assert second.decrypt(token) == "13800000000"
    assert second.secret_key == first.secret_key
    assert second.blind_index("phone", "1") == first.blind_index("phone", "1")


def test_a_key_file_others_can_read_is_refused(path):
    Keyring.load_or_create(path)
    path.chmod(0o640)
    with pytest.raises(KeyringError, match=f"chmod 600 {path}"):
        Keyring.load_or_create(path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"encryption": ["x"], "index": "00", "secret_key": "s"}'])
def test_a_damaged_key_file_is_refused_and_left_alone(path, content):
    path.parent.mkdir()
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(KeyringError, match="is no key file"):
        Keyring.load_or_create(path)
    assert path.read_text() == content


def test_tokens_hide_the_text(keyring):
    assert keyring.encrypt("张三") != keyring.encrypt("张三")
    assert keyring.decrypt(keyring.encrypt("张三")) == "张三"
    with pytest.raises(KeyringError, match="No key"):
        keyring.decrypt("gAAAAABfalse")


def test_rotation_keeps_old_tokens_and_hashes(keyring, path):
    old, index = keyring.encrypt("abc"), keyring.blind_index("phone", "abc")
    keyring.rotate()
    assert keyring.decrypt(old) == "abc"
    assert keyring.blind_index("phone", "abc") == index
    renewed = keyring.reencrypt(old)
    keys = json.loads(path.read_text())
    assert len(keys["encryption"]) == 2
    path.write_text(json.dumps(keys | {"encryption": keys["encryption"][:1]}))
    newest_only = Keyring.load_or_create(path)
    assert newest_only.decrypt(renewed) == "abc"
    with pytest.raises(KeyringError):
        newest_only.decrypt(old)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_running_process_reads_what_another_wrote_after_a_rotation(keyring, path):
    other = Keyring.load_or_create(path)
    other.rotate()
    assert keyring.decrypt(other.encrypt("abc")) == "abc"


def test_blind_indexes_of_different_kinds_differ(keyring):
    index = keyring.blind_index("phone", "13800000000")
    assert len(index) == 64
    assert index == keyring.blind_index("phone", "13800000000")
    assert index != keyring.blind_index("id_number", "13800000000")


def _secret_key(path, barrier, answers):
    barrier.wait()
    answers.put(Keyring.load_or_create(path).secret_key)


def test_processes_that_start_together_share_one_keyring(path):
    path.parent.mkdir()
    spawn = multiprocessing.get_context("fork")
    barrier, answers = spawn.Barrier(4), spawn.Queue()
    processes = [spawn.Process(target=_secret_key, args=(path, barrier, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    found = {answers.get(timeout=20) for _ in processes}
    for process in processes:
        process.join()
    assert found == {Keyring.load_or_create(path).secret_key}
    assert os.listdir(path.parent) == [path.name]


def test_no_keyring_before_the_application_sets_one(monkeypatch):
    monkeypatch.setattr(keyrings, "_current", None)
    with pytest.raises(KeyringError, match="create_app"):
        current_keyring()


# --- columns -----------------------------------------------------------------------------------------------------


class Base(DeclarativeBase):
    pass


class Contact(HasSecrets, Base):
    __tablename__ = "contact"
    __secrets__ = {"phone": phone, "id_number": citizen_id}

    id: Mapped[int] = mapped_column(primary_key=True)
    phone: Mapped[str | None] = mapped_column(EncryptedText)
    phone_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    phone_tail: Mapped[str | None] = mapped_column(String(64), index=True)
    id_number: Mapped[str | None] = mapped_column(EncryptedText)
    id_number_hash: Mapped[str | None] = mapped_column(String(64), index=True)


@pytest.fixture
def session(keyring):
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def test_the_database_sees_no_personal_data(session):
    session.add(Contact(phone="138 0000 1234", id_number="11010519491231002x"))
    session.commit()
    contact = session.scalars(select(Contact)).one()
    assert (contact.phone, contact.id_number) == ("138 0000 1234", "11010519491231002x")
    row = session.execute(text("SELECT * FROM contact")).one()
    assert not any(
        part in str(column) for column in row for part in ("1234", "0000", "002x", "002X") if column != row.id
    )


def test_found_by_whole_value_in_any_spelling_and_by_last_four(session):
    wanted = Contact(phone="138 0000 1234", id_number="11010519491231002x")
    session.add_all([wanted, Contact(phone="13900005678")])
    session.commit()
    for criterion in (
        Contact.secret_is("phone", "+86 13800001234"),
        Contact.secret_ends("phone", " 1234"),
        Contact.secret_is("id_number", "１１０１０５１９４９１２３１００２Ｘ"),
    ):
        assert session.scalars(select(Contact).where(criterion)).all() == [wanted]
    assert not session.scalars(select(Contact).where(Contact.secret_ends("phone", "0123"))).all()


@pytest.mark.parametrize("nothing", [None, ""])
def test_hashes_follow_the_value(session, nothing):
    contact = Contact(phone="13800001234")
    before = contact.phone_hash, contact.phone_tail
    contact.phone = "13900001234"
    assert contact.phone_hash != before[0]
    assert contact.phone_tail == before[1]
    contact.phone = nothing
    assert (contact.phone, contact.phone_hash, contact.phone_tail) == (None, None, None)


def test_a_value_without_its_form_is_not_taken(session):
    with pytest.raises(InvalidValue):
        Contact(phone="1380000")


def test_setting_the_same_value_changes_nothing(session):
    contact = Contact(phone="13800001234")
    session.add(contact)
    session.commit()
    contact.phone = contact.phone
    assert not inspect(contact).session.is_modified(contact)
