"""The tables of the PostgreSQL broker, made by `topology apply` in a schema of their own."""

from __future__ import annotations

from typing import Final

LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('acerto broker schema', 0))"
"""CREATE .. IF NOT EXISTS of two sessions at once can still collide."""

EXISTS: Final = "SELECT to_regclass('broker.message') IS NOT NULL"

TABLES: Final = """
CREATE SCHEMA IF NOT EXISTS broker;

CREATE TABLE IF NOT EXISTS broker.exchange (name text PRIMARY KEY);

CREATE TABLE IF NOT EXISTS broker.queue (
    name text PRIMARY KEY,
    dead_letter_exchange text NOT NULL,
    dead_letter_to text,
    delivery_limit integer,
    single_active_consumer boolean NOT NULL,
    holder text,
    lease_until timestamptz
);

CREATE TABLE IF NOT EXISTS broker.binding (
    exchange text REFERENCES broker.exchange,
    routing_key text,
    queue text REFERENCES broker.queue,
    PRIMARY KEY (exchange, routing_key, queue)
);

CREATE TABLE IF NOT EXISTS broker.consumer (
    holder text PRIMARY KEY,
    queue text NOT NULL,
    lease_until timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS broker.message (
    queue text,
    id bigint GENERATED ALWAYS AS IDENTITY,
    exchange text NOT NULL,
    routing_key text NOT NULL,
    message_id text NOT NULL,
    content_type text NOT NULL,
    type text NOT NULL,
    correlation_id text NOT NULL,
    sent_at bigint,
    headers json NOT NULL,
    body bytea NOT NULL,
    deliveries integer NOT NULL DEFAULT 0,
    holder text,
    PRIMARY KEY (queue, id)
) WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX IF NOT EXISTS message_held ON broker.message (queue, holder) WHERE holder IS NOT NULL;

INSERT INTO broker.exchange (name) VALUES ('') ON CONFLICT DO NOTHING;
"""
"""`json`, not `jsonb`: headers come out as they went in. The exchange without a name leads to every queue by the
queue's own name, as in AMQP, through rows of `binding` like any other."""

EXCHANGES: Final = "SELECT name FROM broker.exchange"
QUEUES: Final = """
SELECT name, dead_letter_to, delivery_limit, single_active_consumer, dead_letter_exchange FROM broker.queue"""
BINDINGS: Final = "SELECT exchange, routing_key, queue FROM broker.binding"

ADD_EXCHANGE: Final = "INSERT INTO broker.exchange (name) VALUES (%(name)s) ON CONFLICT DO NOTHING"
ADD_QUEUE: Final = """
INSERT INTO broker.queue (name, dead_letter_to, delivery_limit, single_active_consumer, dead_letter_exchange)
VALUES (%(name)s, %(dead_letter_to)s, %(delivery_limit)s, %(single_active_consumer)s, %(dead_letter_exchange)s)"""
ADD_BINDING: Final = """
INSERT INTO broker.binding (exchange, routing_key, queue) VALUES (%(exchange)s, %(routing_key)s, %(queue)s)
ON CONFLICT DO NOTHING"""
