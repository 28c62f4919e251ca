-- What scripts may rely on: the names and columns of the views without _by_key. A column may be added, none renamed.
--
-- These texts are no migration and may be edited: when a journal is opened for writing, views that read otherwise are
-- made anew, and who only reads goes by views of his own connection made from these texts, whatever is in the file.
--
-- The views named _by_key start with the row's key, whose order needs no sorting: through them `clorebid history` finds
-- the newest rows without a look at the older ones. They have the columns of the view of their name, in its order. The
-- others go by the runs to the range of keys that a run's rows have, so that who asks for one run reads no other.
--
-- Times become RFC 3339 text by whole-number arithmetic, so that no millisecond is rounded away. A view's text holds
-- no semicolon but the one that ends it.

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
    substr(r.venue, 1, instr(r.venue || ' account ', ' account ') - 1) AS venue,
    r.seed,
    e.ended_by,
    -- What tells the key's account from others, where a key was used and the run is not an older build's.
    CASE WHEN instr(r.venue, ' account ') > 0 THEN substr(r.venue, instr(r.venue, ' account ') + 9) END AS account
FROM run_starts r
LEFT JOIN run_ends e ON e.id = (r.run_id << 32) | 1;

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
SELECT * FROM read_requests UNION ALL SELECT * FROM change_requests;

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
    s.run_id, k.seq, k.at, k.target, k.server, k.from_state, k.to_state, k.cause
FROM run_starts s CROSS JOIN states_by_key k ON k.id BETWEEN (s.run_id << 32) AND (s.run_id << 32) + 4294967295;

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
    r.currency,
    -- What lies before its run was not watched: the venue told of it afterwards, or it counts as held throughout.
    s.from_at >= r.started_at AS watched
FROM run_starts r
CROSS JOIN stretches s ON s.id BETWEEN (r.run_id << 32) AND (r.run_id << 32) + 4294967295
LEFT JOIN stretch_ends e ON e.stretch_id = s.id;

-- held_seconds counts whole seconds; the table keeps the milliseconds. venue_cost is what the venue said that holding
-- cost, fees left out as in cost, and difference is cost less that; both are null where it said nothing.
CREATE VIEW spend AS
SELECT
    n.run_id,
    date(n.day * 86400, 'unixepoch') AS day,
    n.currency,
    n.cost,
    n.fees,
    n.held_ms / 1000 AS held_seconds,
    (
        SELECT w.amount FROM notice_rows w
        WHERE w.id BETWEEN (n.run_id << 32) AND (n.run_id << 32) + 4294967295
          AND w.kind = 'venue_spend' AND w.code = date(n.day * 86400, 'unixepoch')
        ORDER BY w.id DESC LIMIT 1
    ) AS venue_cost,
    (
        SELECT w.words FROM notice_rows w
        WHERE w.id BETWEEN (n.run_id << 32) AND (n.run_id << 32) + 4294967295
          AND w.kind = 'venue_spend' AND w.code = date(n.day * 86400, 'unixepoch')
        ORDER BY w.id DESC LIMIT 1
    ) AS difference
FROM (
    -- SQLite takes the bare columns from the row that max() picks.
    SELECT r.run_id, r.currency, t.day, t.cost, t.fees, t.held_ms, max(t.id)
    FROM run_starts r CROSS JOIN spending t ON t.id BETWEEN (r.run_id << 32) AND (r.run_id << 32) + 4294967295
    GROUP BY r.run_id, t.day
) n;

-- What is no request, bid or state: a limit that said no (`denied`, with the limit's code and its words), an order that
-- is not known as ours (`foreign_order`, with the target that it may be an order of), what a create cost
-- (`creation_fee`, with the amount), what the venue adds to an order's price (`fee_told`), what it said that holding has
-- cost on a day (`venue_spend`, with our sum less its in words), and that the machine slept or its clock was set
-- (`clock_jump`, with by how much in words).
CREATE VIEW notices_by_key AS
SELECT
    n.id AS id,
    n.run_id,
    n.seq,
    strftime('%Y-%m-%dT%H:%M:%S', n.at / 1000, 'unixepoch') || printf('.%03dZ', n.at % 1000) AS at,
    n.kind,
    n.target,
    n.server,
    n.offer AS offer_id,
    n.amount,
    CASE WHEN n.amount IS NOT NULL THEN r.currency END AS currency,
    n.code,
    n.words
FROM notice_rows n
JOIN run_starts r ON r.run_id = n.run_id;

CREATE VIEW notices AS
SELECT
    s.run_id, k.seq, k.at, k.kind, k.target, k.server, k.offer_id, k.amount, k.currency, k.code, k.words
FROM run_starts s CROSS JOIN notices_by_key k ON k.id BETWEEN (s.run_id << 32) AND (s.run_id << 32) + 4294967295;
