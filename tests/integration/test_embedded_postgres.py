"""The embedded PostgreSQL keeps its promises: it starts anywhere, ends with us, and never loses what was committed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import grpc.aio
import psutil
import psycopg
import pytest

from persistence.embedded import EmbeddedPostgres, EmbeddedPostgresError
from tests.support.environment import clean_env
from tests.support.processes import Program
from tests.support.waiting import eventually

_SERVE = """
import asyncio, pathlib, signal, sys
from persistence.embedded import EmbeddedPostgres

# A shell's background jobs ignore it, and hand that on: the tests may be one.
signal.signal(signal.SIGINT, signal.default_int_handler)

async def serve() -> None:
    async with EmbeddedPostgres(pathlib.Path(sys.argv[1])).running() as url:
        print("URL", url, flush=True)
        await asyncio.Event().wait()

asyncio.run(serve())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "postgres"


@pytest.fixture
def other(folder: Path, tmp_path: Path) -> Iterator[Program]:
    """Another process that runs a server on `folder`."""
    command = [sys.executable, "-c", _SERVE, str(folder)]
    with Program(command, env=clean_env(), output=tmp_path / "other.log") as program:
        yield program


async def test_a_cold_start_gives_an_empty_acerto_database_on_loopback_by_tcp_only(folder: Path) -> None:
    async with EmbeddedPostgres(folder).running() as url:
        assert await _value(url, "SELECT current_database()") == "acerto"
        assert await _value(url, "SHOW listen_addresses") == "127.0.0.1"
        assert await _value(url, "SHOW unix_socket_directories") == ""
        assert await _value(url, "SELECT current_setting('server_version_num')::int / 10000") == 18
        assert await _value(url, "SHOW data_checksums") == "on"
        assert (urlsplit(url).port or 0) in range(1024, 32768)


async def test_what_was_committed_is_there_after_a_stop_and_a_warm_start(folder: Path) -> None:
    async with EmbeddedPostgres(folder).running() as url:
        await _run(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    async with EmbeddedPostgres(folder).running() as url:
        assert await _value(url, "SELECT answer FROM kept") == 42


async def test_after_a_stop_no_process_of_the_server_is_left(folder: Path) -> None:
    async with EmbeddedPostgres(folder).running():
        assert _processes_on(folder)
    assert not _processes_on(folder)


async def test_it_starts_in_a_process_where_grpc_runs(folder: Path) -> None:
    """gRPC's own threads are started again in whatever is forked from here."""
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        channel.get_state(try_to_connect=True)
        async with EmbeddedPostgres(folder).running() as url:
            assert await _value(url, "SELECT 1") == 1


async def test_only_we_can_read_the_folder_and_the_password(folder: Path) -> None:
    async with EmbeddedPostgres(folder).running():
        assert _mode(folder) == 0o700
        assert _mode(folder / "data") == 0o700
        assert _mode(folder / "password") == 0o600


async def test_a_folder_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    _open_to_others(tmp_path)
    async with EmbeddedPostgres(tmp_path).running():
        assert _mode(tmp_path) == 0o700


async def test_without_the_password_nobody_gets_in(folder: Path) -> None:
    async with EmbeddedPostgres(folder).running() as url:
        password = (folder / "password").read_text()
        for wrong in (url.replace(password, "guess"), url.replace(f":{password}", "")):
            with pytest.raises(psycopg.OperationalError, match="password"):
                await _value(wrong, "SELECT 1")


async def test_a_session_left_open_does_not_hold_up_the_stop(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    connection = await psycopg.AsyncConnection.connect(await server.start())
    await connection.execute("SELECT 1")
    await server.stop()
    assert not _processes_on(folder)
    await connection.close()


async def test_server_settings_of_a_start_are_applied(folder: Path) -> None:
    async with EmbeddedPostgres(folder, settings={"max_connections": "17"}).running() as url:
        assert await _value(url, "SHOW max_connections") == "17"


async def test_kill_9_of_the_parent_leaves_no_orphan_and_loses_no_commit(folder: Path, other: Program) -> None:
    url = _url_of(other)
    await _run(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    other.kill()
    await eventually(lambda: not _processes_on(folder), what="the server has followed its parent")
    async with EmbeddedPostgres(folder).running() as again:
        assert await _value(again, "SELECT answer FROM kept") == 42


async def test_kill_9_of_the_server_itself_loses_no_commit(folder: Path, other: Program) -> None:
    url = _url_of(other)
    await _run(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(_postmaster(folder), signal.SIGKILL)
    async with EmbeddedPostgres(folder).running() as again:
        assert await _value(again, "SELECT answer FROM kept") == 42


async def test_kill_9_in_the_middle_of_the_first_start_leaves_nothing_in_the_way(folder: Path, other: Program) -> None:
    await eventually((folder / "data.new" / "PG_VERSION").exists, every=0.002)
    other.kill()
    assert not (folder / "data").exists()
    async with EmbeddedPostgres(folder).running() as url:
        assert await _value(url, "SELECT 1") == 1


async def test_a_stale_pid_file_that_names_a_living_process_is_no_obstacle(folder: Path) -> None:
    async with EmbeddedPostgres(folder).running():
        written = (folder / "data" / "postmaster.pid").read_text().splitlines()
    with Program(["sleep", "60"], env=clean_env(), output=folder / "sleep.log") as stranger:
        (folder / "data" / "postmaster.pid").write_text("\n".join([str(stranger.pid), *written[1:]]) + "\n")
        async with EmbeddedPostgres(folder).running() as url:
            assert await _value(url, "SELECT 1") == 1


async def test_a_second_opener_joins_the_live_server_and_leaves_it_running(folder: Path, other: Program) -> None:
    url = _url_of(other)
    async with EmbeddedPostgres(folder).running() as joined:
        assert joined == url
        assert await _value(joined, "SELECT 1") == 1
    assert await _value(url, "SELECT 1") == 1
    assert other.code is None


async def test_a_second_opener_waits_for_a_server_that_is_still_starting(folder: Path, other: Program) -> None:
    await eventually((folder / "lock").exists, every=0.002)
    async with EmbeddedPostgres(folder).running() as joined:
        assert joined == _url_of(other)


async def test_a_server_that_does_not_answer_is_an_error_that_names_the_folder(folder: Path, other: Program) -> None:
    _url_of(other)
    with _frozen(folder), pytest.raises(EmbeddedPostgresError, match=f"{folder} is in use by a process that does not"):
        await EmbeddedPostgres(folder, patience=0.5).start()


async def test_ctrl_c_in_the_terminal_reaches_the_parent_only(folder: Path, other: Program) -> None:
    _url_of(other)
    postmaster = _postmaster(folder)
    assert os.getpgid(postmaster) != os.getpgid(other.pid)
    assert os.getsid(postmaster) != os.getsid(other.pid)


async def test_an_interrupted_parent_stops_its_server_in_order(folder: Path, other: Program) -> None:
    _url_of(other)
    other.interrupt()
    other.wait()
    assert not _processes_on(folder)
    assert "database system is shut down" in (folder / "postgres.log").read_text()


async def test_data_of_another_major_version_are_refused_and_left_alone(folder: Path) -> None:
    async with EmbeddedPostgres(folder).running():
        pass
    (folder / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 15, .* is 18.*ACERTO_DATABASE_URL"):
        await EmbeddedPostgres(folder).start()
    assert (folder / "data" / "PG_VERSION").read_text() == "15\n"


async def test_a_lost_password_file_is_named(folder: Path) -> None:
    async with EmbeddedPostgres(folder).running():
        pass
    (folder / "password").unlink()
    with pytest.raises(EmbeddedPostgresError, match="password is missing"):
        await EmbeddedPostgres(folder).start()


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match=r"file/postgres cannot hold a database"):
        await EmbeddedPostgres(tmp_path / "file" / "postgres").start()


async def test_a_server_that_refuses_to_start_tells_its_own_reason_and_leaves_no_process(folder: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match=r"postgres did not succeed in .*shared_buffers"):
        await EmbeddedPostgres(folder, settings={"shared_buffers": "nonsense"}).start()
    assert not _processes_on(folder)


def _url_of(program: Program) -> str:
    return program.wait_for(r"^URL (\S+)$")[1]


def _postmaster(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])


def _processes_on(folder: Path) -> list[psutil.Process]:
    """Every process that holds our lock: the server, all its workers, and an initdb that still runs."""
    others = (process for process in psutil.process_iter() if process.pid != os.getpid())
    return [process for process in others if _has_open(process, folder / "lock")]


@contextmanager
def _frozen(folder: Path) -> Iterator[None]:
    frozen = _processes_on(folder)
    for process in frozen:
        process.suspend()
    try:
        yield
    finally:
        for process in frozen:
            process.resume()


def _has_open(process: psutil.Process, file: Path) -> bool:
    try:
        return any(opened.path == str(file) for opened in process.open_files())
    except psutil.Error:
        return False  # it ended while we looked, or it is another user's


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _open_to_others(folder: Path) -> None:
    folder.chmod(0o755)
    assert _mode(folder) == 0o755


async def _run(url: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(url) as session:
        await session.execute(statement)


async def _value(url: str, query: str) -> object:
    async with await psycopg.AsyncConnection.connect(url) as session:
        row = await (await session.execute(query)).fetchone()
    assert row is not None
    return row[0]
