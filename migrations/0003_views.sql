-- What scripts may rely on: these views' names and columns stay as they are.
--
-- The views named _by_key also have the row's key, whose order needs no sorting: through them the newest rows are found
-- without a look at the older ones. They are not promised.
--
-- Times become RFC 3339 text by whole-number arithmetic, so that no millisecond is rounded away.

CREATE VIEW runs AS
SELECT
    r.run_id,
    strftime('%Y-%m-%dT%H:%M:%S', r.started_at / 1000, 'unixepoch') || printf('.%03dZ', r.started_at % 1000) AS started_at,
    CASE WHEN e.ended_at IS NOT NULL THEN strftime('%Y-%m-%dT%H:%M:%S', e.ended_at / 1000, 'unixepoch') || printf('.%03dZ', e.ended_at % 1000) END AS ended_at,
    r.mode,
    r.strategy,
    r.strategy_sha256,
    r.strategy_toml,
    r.version,
    r.venue,
    r.seed,
    e.ended_by
FROM run_starts r
LEFT JOIN run_ends e ON e.id = (r.run_id << 32) | 1;

CREATE VIEW requests_by_key AS
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
LEFT JOIN replies p ON p.id = r.reply_id
UNION ALL
SELECT
    c.id,
    c.run_id,
    c.seq,
    strftime('%Y-%m-%dT%H:%M:%S', c.sent_at / 1000, 'unixepoch') || printf('.%03dZ', c.sent_at % 1000),
    CASE WHEN a.answered_at IS NOT NULL THEN strftime('%Y-%m-%dT%H:%M:%S', a.answered_at / 1000, 'unixepoch') || printf('.%03dZ', a.answered_at % 1000) END,
    c.call,
    c.args,
    p.status,
    p.code,
    p.error,
    coalesce(p.outcome, 'pending')
FROM changes c
LEFT JOIN answers a ON a.id = c.id
LEFT JOIN replies p ON p.id = a.reply_id;

CREATE VIEW requests AS
SELECT
    run_id, seq, sent_at, answered_at, call, args, http_status, code, error, outcome
FROM requests_by_key;

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
            SELECT s.seq, s.offer FROM stretches s
            WHERE s.id BETWEEN (c.run_id << 32) AND (c.run_id << 32) + 4294967295 AND s.server = c.server
            UNION ALL
            SELECT d.seq, d.offer FROM changes d
            WHERE d.id BETWEEN c.id + 1 AND (c.run_id << 32) + 4294967295
              AND d.server = c.server AND d.offer IS NOT NULL
        ) l
        WHERE l.seq > c.seq AND l.seq < coalesce((
            SELECT n.seq FROM changes n
            WHERE n.id BETWEEN c.id + 1 AND (c.run_id << 32) + 4294967295
              AND n.server = c.server AND n.action = 'place'
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
    run_id, seq, at, target, server, offer_id, action, old_price, new_price, currency, outcome, reason, error
FROM bids_by_key;

CREATE VIEW states_by_key AS
SELECT
    t.id AS id,
    t.run_id,
    t.seq,
    strftime('%Y-%m-%dT%H:%M:%S', t.at / 1000, 'unixepoch') || printf('.%03dZ', t.at % 1000) AS at,
    t.target,
    t.server,
    t.from_state,
    t.to_state,
    t.cause
FROM transitions t;

CREATE VIEW states AS
SELECT
    run_id, seq, at, target, server, from_state, to_state, cause
FROM states_by_key;

CREATE VIEW observations_by_key AS
SELECT
    r.id AS id,
    r.run_id,
    r.seq,
    strftime('%Y-%m-%dT%H:%M:%S', (r.sent_at + r.took) / 1000, 'unixepoch') || printf('.%03dZ', (r.sent_at + r.took) % 1000) AS at,
    s.server,
    s.floor,
    s.best_rival,
    s.our_bid,
    s.holding,
    s.online,
    s.visibility
FROM reads r
JOIN sightings s ON s.id = r.reply_id;

CREATE VIEW observations AS
SELECT
    run_id, seq, at, server, floor, best_rival, our_bid, holding, online, visibility
FROM observations_by_key;

CREATE VIEW holdings AS
SELECT
    s.run_id,
    s.target,
    s.server,
    s.offer AS offer_id,
    strftime('%Y-%m-%dT%H:%M:%S', s.from_at / 1000, 'unixepoch') || printf('.%03dZ', s.from_at % 1000) AS from_at,
    CASE WHEN e.to_at IS NOT NULL THEN strftime('%Y-%m-%dT%H:%M:%S', e.to_at / 1000, 'unixepoch') || printf('.%03dZ', e.to_at % 1000) END AS to_at,
    s.bid,
    e.cost,
    r.currency
FROM stretches s
JOIN run_starts r ON r.run_id = s.run_id
LEFT JOIN stretch_ends e ON e.stretch_id = s.id;

-- held_seconds counts whole seconds; the table keeps the milliseconds.
CREATE VIEW spend AS
SELECT
    n.run_id,
    date(n.day * 86400, 'unixepoch') AS day,
    r.currency,
    n.cost,
    n.fees,
    n.held_ms / 1000 AS held_seconds
FROM (
    -- SQLite takes the bare columns from the row that max() picks.
    SELECT run_id, day, cost, fees, held_ms, max(id) FROM spending GROUP BY run_id, day
) n
JOIN run_starts r ON r.run_id = n.run_id;
