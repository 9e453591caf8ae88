# One image for every process of Citywatch; the command says which.
FROM python:3.12-slim AS build
WORKDIR /app
COPY requirements.lock ./
RUN python -m venv .venv && .venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock

FROM python:3.12-slim
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH
RUN useradd --system --uid 10001 --user-group citywatch
COPY --from=build /app/.venv .venv
COPY . .
RUN .venv/bin/python -m citywatch.local.link && install -d -o 1883 -g 1883 /secure && install -d -o citywatch /city
USER citywatch
ENTRYPOINT ["/app/.venv/bin/citywatch"]
CMD ["serve"]
