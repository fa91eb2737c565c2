# One image for every role. The first stage installs the locked wheels, the second holds them and the code: no pip
# cache, no compiler, nobody's root. It runs with a read-only root; only /data (the embedded default) is written.

FROM python:3.13.9-slim-bookworm AS wheels
COPY requirements.txt /tmp/requirements.txt
RUN python -m venv /opt/acerto/venv \
    && /opt/acerto/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --only-binary :all: --require-hashes --requirement /tmp/requirements.txt \
    && /opt/acerto/venv/bin/pip uninstall --yes pip

FROM python:3.13.9-slim-bookworm
LABEL org.opencontainers.image.title="acerto" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 acerto \
    && useradd --uid 10001 --gid acerto --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin acerto \
    && install --directory --owner=acerto --group=acerto --mode=0700 /data
COPY --from=wheels /opt/acerto/venv /opt/acerto/venv
WORKDIR /opt/acerto/app
COPY . .
# Bytecode is made here once: a read-only root could not keep it, and every start would pay for it again.
RUN python -m compileall -q .
ENV PATH=/opt/acerto/venv/bin:$PATH \
    PYTHONPATH=/opt/acerto/app:/opt/acerto/app/generated \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ACERTO_DATA_DIR=/data \
    ACERTO_GRPC_ADDRESS=0.0.0.0:50051 \
    ACERTO_HTTP_ADDRESS=0.0.0.0:8080
USER 10001:10001
VOLUME /data
EXPOSE 50051 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "server", "health"]
ENTRYPOINT ["python", "-m", "server"]
CMD ["all"]
