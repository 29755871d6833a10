# One image for all four services: which one runs is the command's choice (docs/decisions/0001-one-image.md).
FROM python:3.11.14-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/tanggap
COPY requirements.lock requirements-build.lock /tmp/
RUN /opt/tanggap/bin/pip install --require-hashes -r /tmp/requirements.lock \
 && python -m venv /opt/build \
 && /opt/build/bin/pip install --require-hashes -r /tmp/requirements-build.lock
COPY pyproject.toml README.md LICENSE /src/
COPY tanggap /src/tanggap
COPY services /src/services
COPY stack/__init__.py /src/stack/__init__.py
RUN cd /src && /opt/build/bin/python -m hatchling build -t wheel \
 && /opt/tanggap/bin/pip install --no-deps --no-index /src/dist/*.whl

FROM python:3.11.14-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin tanggap
COPY --from=build /opt/tanggap /opt/tanggap
COPY cities /app/cities
WORKDIR /app
ENV PATH=/opt/tanggap/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HTTP_HOST=0.0.0.0 \
    HTTP_PORT=8000 \
    TANGGAP_CITY=/app/cities/jakarta
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=6 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
# The exec form keeps python as process 1, so that SIGTERM reaches it and the service drains.
ENTRYPOINT ["python", "-m"]
CMD ["services.intake"]
