"""An outage of the database is told in few plain lines, and over when it is over."""

import json
from collections import Counter
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from core.db import Database
from core.migrate import migrate
from tests import mailroom
from tests.deployment.stack import Stack
from tests.faults.harness import wait_for
from tests.services import running_postgres


@pytest.mark.slow
def test_a_worker_outlives_its_database_and_says_it_once(tmp_path, redis_url):
    with (
        TemporaryDirectory(prefix="fermata-postgres-", ignore_cleanup_errors=True) as folder,
        running_postgres(Path(folder) / "server") as server,
    ):
        url = server.create("fermata")
        with closing(Database(url)) as db:
            migrate(db)
            mailroom.make(db, 3)
        stack = Stack(tmp_path, database=url, redis=redis_url, FERMATA_TICK_SECONDS="0.1")
        try:
            worker = stack.start("worker")
            stack.is_up(worker)
            server.stop()
            wait_for(lambda: not worker.answers("/readyz"))
            wait_for(lambda: "OperationalError" in worker.log.read_text())
            server.start()
            stack.is_up(worker)
            worker.stops()
        finally:
            stack.close()
        lines = [json.loads(line) for line in worker.log.read_text().splitlines() if line.startswith("{")]
        outage = [line["message"] for line in lines if line["level"] in {"error", "warning"}]
        assert [message for message in outage if message.startswith("a part of the sweep failed: ")]
        assert Counter(outage).most_common(1)[0][1] == 1, outage
        assert len(outage) < 12, outage
        assert not [line for line in lines if "trace" in line]
