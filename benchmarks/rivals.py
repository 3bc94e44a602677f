"""What others send with, each in a process of its own: `python -m benchmarks.rivals NAME …`; prints one JSON line.

Celery is used as its documentation has it for a task at a moment: an ETA task per step, a pool of processes.
django-post-office as its own has it: the queue is filled beforehand, which is not measured, and sent by batches of a
hundred in five threads with one connection each; a mail is rendered when it is sent, and logged.
"""

from __future__ import annotations

import json
import os
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psutil
from celery import Celery
from redis import Redis
from sqlmodel import Session, col, select

from benchmarks import simple
from benchmarks.contenders import SENDER
from benchmarks.terms import MEASURED, WARM_LEADS
from core.db import Database
from core.models import Enrollment

FOUR_DAYS = timedelta(days=4)
DONE = "sent"
REDIS = os.environ.get("BENCH_REDIS", "")
app = Celery("rivals", broker=REDIS or None)
_open: list[Database] = []


@app.task(name="send_step")
def send_step(enrollment_id: int) -> None:
    """Send one step, then plan the next; with a connection and a commit of its own."""
    if not _open:
        _open.append(Database(os.environ["BENCH_DATABASE"]))
    loaded = simple.load(_open[0], enrollment_id)
    if loaded is None:
        return
    lead, step, content = loaded
    with smtplib.SMTP("127.0.0.1", int(os.environ["BENCH_SMTP_PORT"])) as server:
        server.sendmail(SENDER, [lead.email], content)
    simple.commit(_open[0], enrollment_id, step.id or 0)
    send_step.apply_async((enrollment_id,), eta=datetime.now(UTC) + FOUR_DAYS)
    Redis.from_url(REDIS).rpush(DONE, enrollment_id)


def celery(url: str, redis_url: str, port: str, count: str) -> None:
    """One Celery worker with a process for each core, and an ETA task for each step."""
    os.environ.update({"BENCH_REDIS": redis_url, "BENCH_DATABASE": url, "BENCH_SMTP_PORT": port})
    db, redis = Database(url), Redis.from_url(redis_url)
    app.conf.broker_url = redis_url
    with Session(db.engine) as session:
        due = select(Enrollment.id).where(Enrollment.mailbox_id == MEASURED).order_by(col(Enrollment.id))
        ids = session.exec(due.limit(int(count))).all()
    db.close()
    command = [sys.executable, "-m", "celery", "-A", "benchmarks.rivals", "worker", "--loglevel", "ERROR"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not app.control.ping(timeout=1):
            pass
        worker = psutil.Process(process.pid)

        def send() -> int:
            for enrollment_id in ids:
                send_step.apply_async((enrollment_id,), eta=datetime.now(UTC) + timedelta(milliseconds=1))
            while redis.llen(DONE) < len(ids):
                time.sleep(0.01)
            return len(ids)

        _measured(send, [worker, *worker.children(recursive=True)])
        process.terminate()


def post_office(url: str, port: str, count: str) -> None:
    """django-post-office with a queue of mails that are due."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "post_office"], DATABASES={"default": _django(url)},
        EMAIL_HOST="127.0.0.1", EMAIL_PORT=int(port), USE_TZ=True,
        POST_OFFICE={"BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"}},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    )  # fmt: skip
    django.setup()
    call_command("migrate", verbosity=0)
    from post_office import mail
    from post_office.models import EmailTemplate

    from benchmarks.bench_mime import PARAGRAPH

    text = "Hi {{ first_name|default:'there' }},\n\n" + PARAGRAPH.replace("lead.company", "company") * 6
    template = EmailTemplate.objects.create(
        name="intro", subject="A question about {{ company }}", content=text, html_content=f"<p>{text}</p>"
    )

    def queue(times: int) -> None:
        mail.send_many(
            [
                {"recipients": f"measured{n}@company{n % 977}.example", "sender": SENDER, "template": template,
                 "context": {"first_name": f"Ada{n}", "company": f"Acme {n}"}, "render_on_delivery": True}
                for n in range(times)
            ]
        )  # fmt: skip

    def send() -> int:
        total = 0
        while sent := mail.send_queued()[0]:
            total += sent
        return total

    queue(WARM_LEADS)
    send()
    queue(int(count))
    _measured(send, [psutil.Process()])


def _django(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    if parts.scheme.startswith("sqlite"):
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": url.partition("///")[2],
            "OPTIONS": {"timeout": 60},
        }
    return {"ENGINE": "django.db.backends.postgresql", "NAME": parts.path[1:], "HOST": parts.hostname,
            "PORT": parts.port, "USER": parts.username, "PASSWORD": parts.password or ""}  # fmt: skip


def _measured(work: Callable[[], int], processes: list[psutil.Process]) -> None:
    def cpu() -> float:
        return sum(sum(process.cpu_times()[:2]) for process in processes)

    started, before = time.perf_counter(), cpu()
    messages = work()
    figures = {
        "messages": messages,
        "seconds": time.perf_counter() - started,
        "cpu_seconds": cpu() - before,
        "rss_mb": sum(process.memory_info().rss for process in processes) / 2**20,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    {"celery": celery, "post_office": post_office}[sys.argv[1]](*sys.argv[2:])
