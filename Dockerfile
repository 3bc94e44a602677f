# Two stages: the first installs from the lock file with hashes, the second carries no tools.
# Runs with a read-only root; only /data is written: docker run --read-only --tmpfs /tmp -v fermata:/data …
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /app
WORKDIR /src
COPY requirements.lock ./
RUN /app/bin/pip install --require-hashes -r requirements.lock
COPY . .
RUN /app/bin/pip install --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin fermata \
    && install -d -o fermata -g fermata -m 0700 /data
COPY --from=build /app /app
# Every role answers on the same port: web with its pages, bot and worker with their health alone.
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    FERMATA_HOME=/data FERMATA_HOST=0.0.0.0 FERMATA_PORT=8300 FERMATA_HEALTH_PORT=8300 FERMATA_LOG=json \
    MPLCONFIGDIR=/data/matplotlib
USER fermata
WORKDIR /data
VOLUME /data
EXPOSE 8300
# SIGTERM finishes the hand-over in hand: give it longer than the SMTP timeout (docker stop --time 120).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8300/healthz', timeout=4)"]
ENTRYPOINT ["fermata"]
CMD ["run"]
