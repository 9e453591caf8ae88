#!/bin/sh
# Starts a replica: copies the primary the first time, then follows it.
set -eu
primary=${PRIMARY:-timescaledb}
password="$(cat /run/secrets/store_password)"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # -R writes whom to follow, and that it is a replica.
  PGPASSWORD="$password" pg_basebackup --host "$primary" --port "${PRIMARY_PORT:-5432}" --username replicator \
    --pgdata "$PGDATA" --slot replica --wal-method stream --write-recovery-conf --checkpoint fast
  chmod 700 "$PGDATA"
fi
exec postgres -c hot_standby=on "$@"
