"""What publishers and consumers say to the tables of schema.py, one statement per verb.

Times are the database's own: no client's clock decides who holds what.
"""

from __future__ import annotations

from typing import Final

CHANNEL: Final = "acerto_broker"
"""The NOTIFY channel; its payload is a queue that has something new, or "<queue> left" when a consumer went."""

_CONTENT: Final = "exchange, routing_key, message_id, content_type, type, correlation_id, sent_at, headers, body"

PUBLISH: Final = f"""
WITH wave AS MATERIALIZED (
    SELECT * FROM unnest(
        %(exchanges)s::text[], %(routing_keys)s::text[], %(message_ids)s::text[], %(content_types)s::text[],
        %(types)s::text[], %(correlation_ids)s::text[], %(timestamps)s::bigint[], %(headers)s::json[],
        %(bodies)b::bytea[]
    ) WITH ORDINALITY AS w ({_CONTENT}, place)
), put AS (
    INSERT INTO broker.message (queue, {_CONTENT})
    SELECT b.queue, w.exchange, w.routing_key, w.message_id, w.content_type, w.type, w.correlation_id, w.sent_at,
           w.headers, w.body
    FROM wave w JOIN broker.binding b USING (exchange, routing_key)
    ORDER BY w.place
    RETURNING queue
)
SELECT
    ARRAY (SELECT place - 1 FROM wave w WHERE NOT EXISTS (SELECT FROM broker.exchange e WHERE e.name = w.exchange)),
    ARRAY (SELECT place - 1 FROM wave w WHERE NOT EXISTS (
        SELECT FROM broker.binding b WHERE b.exchange = w.exchange AND b.routing_key = w.routing_key)),
    ARRAY (SELECT DISTINCT queue FROM put)
"""  # noqa: S608 -- only this module's own column names
"""Answers (places without an exchange, places without a binding, queues that got something), places from 0."""

WAKE: Final = f"SELECT pg_notify('{CHANNEL}', queue) FROM unnest(%(queues)s::text[]) queue"  # noqa: S608 -- constant
LISTEN: Final = f"LISTEN {CHANNEL}"

ENTER: Final = """
INSERT INTO broker.consumer (holder, queue, lease_until)
SELECT %(holder)s, name, clock_timestamp() + %(lease)s FROM broker.queue WHERE name = %(queue)s
RETURNING holder
"""

KEEP: Final = """
WITH me AS (
    UPDATE broker.consumer SET lease_until = clock_timestamp() + %(lease)s WHERE holder = %(holder)s RETURNING queue
), active AS (
    UPDATE broker.queue q SET holder = %(holder)s, lease_until = clock_timestamp() + %(lease)s
    FROM me
    WHERE q.name = me.queue AND q.single_active_consumer AND %(competes)s
      AND (q.holder IS NULL OR q.holder = %(holder)s OR q.lease_until < clock_timestamp())
    RETURNING q.name
)
SELECT EXISTS (SELECT FROM me), EXISTS (SELECT FROM active)
"""
"""Renews a holder's lease and, where it competes, takes or keeps the queue itself. Answers (alive, active)."""

CLAIM: Final = f"""
UPDATE broker.message m SET holder = %(holder)s
FROM (
    SELECT queue, id FROM broker.message
    WHERE queue = %(queue)s AND holder IS NULL AND (NOT %(competes)s OR EXISTS (
        SELECT FROM broker.queue q
        WHERE q.name = %(queue)s AND (NOT q.single_active_consumer OR q.holder = %(holder)s)))
    ORDER BY id LIMIT %(room)s FOR UPDATE SKIP LOCKED
) next
WHERE m.queue = next.queue AND m.id = next.id
RETURNING m.id, m.deliveries, {_CONTENT}
"""  # noqa: S608 -- only this module's own column names
"""By id and without a cursor: a lower id may be committed after a higher one."""

READ: Final = f"""
SELECT id, deliveries, {_CONTENT} FROM broker.message WHERE queue = %(queue)s ORDER BY id LIMIT %(room)s
"""  # noqa: S608 -- only this module's own column names

SETTLE: Final = """
DELETE FROM broker.message WHERE queue = %(queue)s AND id = %(id)s AND holder = %(holder)s RETURNING id
"""
"""No row: the message is no longer this holder's, so a zombie settles nothing."""

_GIVE_BACK: Final = """
WITH back AS (
    SELECT m.*, q.dead_letter_exchange, q.dead_letter_to,
           m.deliveries + 1 > q.delivery_limit AND EXISTS (
               SELECT FROM broker.binding b
               WHERE b.exchange = q.dead_letter_exchange AND b.routing_key = q.dead_letter_to) AS dead
    FROM broker.message m JOIN broker.queue q ON q.name = m.queue
    WHERE m.queue = %(queue)s AND m.holder IS NOT NULL AND {whose}
    FOR UPDATE OF m
), buried AS (
    DELETE FROM broker.message m USING back WHERE back.dead AND m.queue = back.queue AND m.id = back.id
), put AS (
    INSERT INTO broker.message (queue, exchange, routing_key, message_id, content_type, type, correlation_id,
                                sent_at, headers, body)
    SELECT b.queue, back.dead_letter_exchange, back.dead_letter_to, back.message_id, back.content_type, back.type,
           back.correlation_id, back.sent_at,
           (back.headers::jsonb || jsonb_build_object(
               'x-first-death-reason', 'delivery_limit',
               'x-first-death-queue', back.queue,
               'x-first-death-exchange', back.exchange,
               'x-death', jsonb_build_array(jsonb_build_object(
                   'reason', 'delivery_limit', 'queue', back.queue, 'exchange', back.exchange, 'count', 1,
                   'routing-keys', jsonb_build_array(back.routing_key)))::text))::json,
           back.body
    FROM back JOIN broker.binding b ON b.exchange = back.dead_letter_exchange AND b.routing_key = back.dead_letter_to
    WHERE back.dead
    ORDER BY back.id
)
UPDATE broker.message m SET holder = NULL, deliveries = m.deliveries + 1
FROM back WHERE NOT coalesce(back.dead, false) AND m.queue = back.queue AND m.id = back.id
"""

GIVE_BACK: Final = _GIVE_BACK.format(whose="m.holder = %(holder)s AND m.id = ANY(%(ids)s)")
"""Counts one more delivery; what exceeds the limit moves to its dead-letter queue, with the headers that RabbitMQ
writes. A limit whose dead-letter exchange leads nowhere keeps the message where it is."""

RECLAIM: Final = _GIVE_BACK.format(
    whose="""NOT EXISTS (
        SELECT FROM broker.consumer c WHERE c.holder = m.holder AND c.lease_until >= clock_timestamp())"""
)
"""GIVE_BACK for holders whose lease ran out."""

FORGET_DEAD: Final = "DELETE FROM broker.consumer WHERE lease_until < clock_timestamp() AND holder <> %(holder)s"

RELEASE: Final = """
UPDATE broker.message SET holder = NULL WHERE queue = %(queue)s AND holder = %(holder)s AND id = ANY(%(ids)s)
"""
"""Gives back what nobody has seen, uncounted."""

LEAVE: Final = """
WITH gone AS (DELETE FROM broker.consumer WHERE holder = %(holder)s)
UPDATE broker.queue SET holder = NULL, lease_until = NULL WHERE holder = %(holder)s
"""
