-- The views again, with the names and columns they had: each goes by the runs to the range of keys that a run's rows
-- have, so that who asks for one run reads no other. `runs`, `states_by_key` and `observations_by_key` stay as they are.

DROP VIEW requests;
DROP VIEW requests_by_key;
DROP VIEW bids;
DROP VIEW bids_by_key;
DROP VIEW states;
DROP VIEW observations;
DROP VIEW holdings;
DROP VIEW spend;

CREATE VIEW read_requests AS
SELECT
    r.id AS id,
    r.run_id,
    r.seq,
    strftime('%Y-%m-%dT%H:%M:%S', r.sent_at / 1000, 'unixepoch') || printf('.%03dZ', r.sent_at % 1000) AS sent_at,
    CASE WHEN r.took IS NOT NULL THEN
        strftime('%Y-%m-%dT%H:%M:%S', (r.sent_at + r.took) / 1000, 'unixepoch') || printf('.%03dZ', (r.sent_at + r.took) % 1000)
    END AS answered_at,
    c.call,
    c.args,
    p.status AS http_status,
    p.code,
    -- A read that the run went on without was not answered.
    CASE WHEN r.reply IS NULL THEN 'interrupted' ELSE p.error END AS error,
    coalesce(p.outcome, 'unknown') AS outcome
FROM reads r
JOIN calls c ON c.id = r.call_id
LEFT JOIN replies p ON p.id = r.reply_id;

CREATE VIEW change_requests AS
SELECT
    c.id AS id,
    c.run_id,
    c.seq,
    strftime('%Y-%m-%dT%H:%M:%S', c.sent_at / 1000, 'unixepoch') || printf('.%03dZ', c.sent_at % 1000) AS sent_at,
    CASE WHEN a.answered_at IS NOT NULL THEN strftime('%Y-%m-%dT%H:%M:%S', a.answered_at / 1000, 'unixepoch') || printf('.%03dZ', a.answered_at % 1000) END AS answered_at,
    c.call,
    c.args,
    p.status AS http_status,
    p.code,
    p.error,
    coalesce(p.outcome, 'pending') AS outcome
FROM changes c
LEFT JOIN answers a ON a.id = c.id
LEFT JOIN replies p ON p.id = a.reply_id;

CREATE VIEW requests_by_key AS
SELECT id, run_id, seq, sent_at, answered_at, call, args, http_status, code, error, outcome FROM read_requests
UNION ALL
SELECT id, run_id, seq, sent_at, answered_at, call, args, http_status, code, error, outcome FROM change_requests;

CREATE VIEW requests AS
SELECT
    s.run_id, k.seq, k.sent_at, k.answered_at, k.call, k.args, k.http_status, k.code, k.error, k.outcome
FROM run_starts s CROSS JOIN read_requests k ON k.id BETWEEN (s.run_id << 32) AND (s.run_id << 32) + 4294967295
UNION ALL
SELECT
    s.run_id, k.seq, k.sent_at, k.answered_at, k.call, k.args, k.http_status, k.code, k.error, k.outcome
FROM run_starts s CROSS JOIN change_requests k ON k.id BETWEEN (s.run_id << 32) AND (s.run_id << 32) + 4294967295;

CREATE VIEW bids_by_key AS
SELECT
    c.id AS id,
    c.run_id,
    c.seq,
    strftime('%Y-%m-%dT%H:%M:%S', c.sent_at / 1000, 'unixepoch') || printf('.%03dZ', c.sent_at % 1000) AS at,
    c.target,
    c.server,
    -- A create returns no id. What held the server next, or was asked of it next, before another create was, is it.
    coalesce(c.offer, a.offer, CASE WHEN c.action = 'place' AND p.outcome IS NOT 'refused' THEN (
        SELECT l.offer FROM (
            SELECT * FROM (
                SELECT s.seq, s.offer FROM stretches s
                WHERE s.run_id = c.run_id AND s.server = c.server AND s.seq > c.seq
                ORDER BY s.seq LIMIT 1
            )
            UNION ALL
            SELECT * FROM (
                SELECT d.seq, d.offer FROM changes d
                WHERE d.server = c.server AND d.id BETWEEN c.id + 1 AND (c.run_id << 32) + 4294967295
                  AND d.offer IS NOT NULL
                ORDER BY d.id LIMIT 1
            )
        ) l
        WHERE l.seq < coalesce((
            SELECT n.seq FROM changes n
            WHERE n.server = c.server AND n.id BETWEEN c.id + 1 AND (c.run_id << 32) + 4294967295
              AND n.action = 'place'
            ORDER BY n.id LIMIT 1
        ), 4294967296)
        ORDER BY l.seq LIMIT 1
    ) END) AS offer_id,
    c.action,
    c.old_price,
    c.new_price,
    r.currency,
    coalesce(p.outcome, 'pending') AS outcome,
    c.reason,
    p.error
FROM changes c
JOIN run_starts r ON r.run_id = c.run_id
LEFT JOIN answers a ON a.id = c.id
LEFT JOIN replies p ON p.id = a.reply_id;

CREATE VIEW bids AS
SELECT
    s.run_id, k.seq, k.at, k.target, k.server, k.offer_id, k.action, k.old_price, k.new_price, k.currency, k.outcome, k.reason, k.error
FROM run_starts s CROSS JOIN bids_by_key k ON k.id BETWEEN (s.run_id << 32) AND (s.run_id << 32) + 4294967295;

CREATE VIEW states AS
SELECT
    s.run_id, k.seq, k.at, k.target, k.server, k.from_state, k.to_state, k.cause
FROM run_starts s CROSS JOIN states_by_key k ON k.id BETWEEN (s.run_id << 32) AND (s.run_id << 32) + 4294967295;

CREATE VIEW observations AS
SELECT
    s.run_id, k.seq, k.at, k.server, k.floor, k.best_rival, k.our_bid, k.holding, k.online, k.visibility
FROM run_starts s CROSS JOIN observations_by_key k ON k.id BETWEEN (s.run_id << 32) AND (s.run_id << 32) + 4294967295;

CREATE VIEW holdings AS
SELECT
    r.run_id,
    s.target,
    s.server,
    s.offer AS offer_id,
    strftime('%Y-%m-%dT%H:%M:%S', s.from_at / 1000, 'unixepoch') || printf('.%03dZ', s.from_at % 1000) AS from_at,
    CASE WHEN e.to_at IS NOT NULL THEN strftime('%Y-%m-%dT%H:%M:%S', e.to_at / 1000, 'unixepoch') || printf('.%03dZ', e.to_at % 1000) END AS to_at,
    s.bid,
    e.cost,
    r.currency
FROM run_starts r
CROSS JOIN stretches s ON s.id BETWEEN (r.run_id << 32) AND (r.run_id << 32) + 4294967295
LEFT JOIN stretch_ends e ON e.stretch_id = s.id;

CREATE VIEW spend AS
SELECT
    n.run_id,
    date(n.day * 86400, 'unixepoch') AS day,
    n.currency,
    n.cost,
    n.fees,
    n.held_ms / 1000 AS held_seconds
FROM (
    -- SQLite takes the bare columns from the row that max() picks.
    SELECT r.run_id, r.currency, t.day, t.cost, t.fees, t.held_ms, max(t.id)
    FROM run_starts r CROSS JOIN spending t ON t.id BETWEEN (r.run_id << 32) AND (r.run_id << 32) + 4294967295
    GROUP BY r.run_id, t.day
) n;
