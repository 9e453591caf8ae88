#!/bin/sh
# Makes the secrets of docker-compose.yml and docker-compose.cluster.yml below deploy/secrets, once: what is there already stays as it is.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
fresh() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
for name in store_password broker_password grafana_password emqx_cookie; do
  [ -s "secrets/$name" ] || fresh > "secrets/$name"
done
[ -s secrets/store_dsn ] ||
  printf 'postgresql://citywatch:%s@timescaledb:5432/citywatch' "$(cat secrets/store_password)" > secrets/store_dsn
# The key by which Prometheus reads /metrics: made by `citywatch accounts key` once the stack runs.
[ -e secrets/metrics_key ] || : > secrets/metrics_key
# Containers read them under accounts of their own; the folder keeps everybody else on this machine out.
chmod 700 secrets
chmod 444 secrets/*
echo "secrets are in deploy/secrets"
