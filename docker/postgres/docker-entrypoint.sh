#!/bin/sh
# Make the database cluster if there is none yet, then become postgres. Keeps the official image's contract.
set -eu

if [ "${1#-}" != "$1" ]; then
    set -- postgres "$@"
fi
if [ "$1" != postgres ]; then
    exec "$@"
fi

if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA"
    chown -R postgres:postgres "$PGDATA" /var/run/postgresql
    exec gosu postgres "$0" "$@"
fi

make_cluster() {
    user="${POSTGRES_USER:-postgres}"
    database="${POSTGRES_DB:-$user}"
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
        echo "POSTGRES_PASSWORD is empty: set it, or set POSTGRES_HOST_AUTH_METHOD=trust to let anybody in" >&2
        exit 1
    fi
    # Made in a folder of its own: what a killed container left half-made must not pass for a cluster.
    new="$PGDATA/new"
    find "$PGDATA" -mindepth 1 -delete
    password_file="$(mktemp)"
    printf '%s\n' "${POSTGRES_PASSWORD:-unused}" > "$password_file"
    # shellcheck disable=SC2086 # the official image splits POSTGRES_INITDB_ARGS too
    initdb --pgdata="$new" --username="$user" --pwfile="$password_file" --encoding=UTF8 ${POSTGRES_INITDB_ARGS:-}
    rm -f "$password_file"
    printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >> "$new/pg_hba.conf"
    # The set-up server listens on its socket only, so that nobody takes it for the real one.
    pg_ctl --pgdata="$new" --options="-c listen_addresses=''" --wait start
    if [ "$database" != postgres ]; then
        printf 'CREATE DATABASE :"name";\n' |
            psql --username="$user" --dbname=postgres --set=ON_ERROR_STOP=1 --set=name="$database"
    fi
    for script in /docker-entrypoint-initdb.d/*; do
        case "$script" in
            *.sh) sh "$script" ;;
            *.sql) psql --username="$user" --dbname="$database" --set=ON_ERROR_STOP=1 --file="$script" ;;
        esac
    done
    pg_ctl --pgdata="$new" --mode=fast --wait stop
    find "$new" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv {} "$PGDATA/" \;
    mv "$new/PG_VERSION" "$PGDATA/"
    rmdir "$new"
}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    make_cluster >&2
fi
exec "$@" -c "listen_addresses=*"
