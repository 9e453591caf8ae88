#!/bin/sh
# Starts EMQX with its secrets out of files: its own settings know variables only.
set -eu
umask 077
EMQX_NODE__COOKIE="$(cat /run/secrets/emqx_cookie)"
EMQX_AUTHENTICATION__2__PASSWORD="$(cat /run/secrets/store_password)"
export EMQX_NODE__COOKIE EMQX_AUTHENTICATION__2__PASSWORD
printf 'user_id,password,is_superuser\n@citywatch,%s,true\n' "$(cat /run/secrets/broker_password)" > /tmp/own-account.csv
exec /usr/bin/docker-entrypoint.sh "$@"
