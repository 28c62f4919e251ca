-- The journal's tables. Nothing in them is ever changed or deleted: what is new is a new row.
--
-- Keys. Every table but `run_starts` has the key id = run_id * 2^32 + n, where n counts from 1 within the run and, for
-- requests, is the request's `seq`. So the key says whose row it is at the cost of one number, two runs can write
-- side by side without sharing a counter, and the row order of a table is the order in which a run wrote it.
-- `run_id` (and `seq`) are computed from it. References within a run hold n alone; the whole key of what they point
-- at is computed, so that a foreign key can hold them to it.
--
-- Hashes. `hash` is SHA-256 over the hash of the row before it in the same table and run, followed by this row's
-- other columns. A run's first row in a table follows the run's own row in `run_starts`, and those follow one another.
--
-- Times are milliseconds since 1970, prices and amounts are canonical decimal text: SQLite has no exact decimals.

-- 'CLBD': tells this file from any other program's database.
PRAGMA application_id = 1129071172;

-- One row a run, committed before its first request.
CREATE TABLE run_starts (
    run_id          INTEGER PRIMARY KEY
        CONSTRAINT run_id_fits CHECK (run_id BETWEEN 1 AND 2147483647),
    started_at      INTEGER NOT NULL,
    mode            TEXT NOT NULL
        CONSTRAINT run_mode CHECK (mode IN ('live', 'paper', 'backtest')),
    strategy        TEXT NOT NULL,
    strategy_sha256 TEXT NOT NULL
        CONSTRAINT run_strategy_sha256 CHECK (length(strategy_sha256) = 64),
    strategy_toml   TEXT NOT NULL,
    version         TEXT NOT NULL,
    venue           TEXT NOT NULL,
    -- An integer, or its decimal text where it passes 63 bits.
    seed            ANY
        CONSTRAINT run_seed CHECK (typeof(seed) IN ('null', 'integer', 'text')),
    -- What every price of the run is counted in.
    currency        TEXT NOT NULL
        CONSTRAINT run_currency CHECK (currency IN ('bitcoin', 'CLORE-Blockchain', 'USD-Blockchain')),
    hash            BLOB NOT NULL CONSTRAINT run_hash CHECK (length(hash) = 32)
) STRICT;

-- A call with its arguments, written once a run and named by number in `reads`.
CREATE TABLE calls (
    id      INTEGER PRIMARY KEY,
    run_id  INTEGER NOT NULL GENERATED ALWAYS AS (id >> 32) VIRTUAL
        CONSTRAINT call_run REFERENCES run_starts (run_id),
    call    TEXT NOT NULL,
    args    TEXT NOT NULL CONSTRAINT call_args_json CHECK (json_valid(args)),
    -- The core's own words for the request, which a replay compares.
    request TEXT NOT NULL CONSTRAINT call_request_json CHECK (json_valid(request)),
    target  TEXT,
    hash    BLOB NOT NULL CONSTRAINT call_hash CHECK (length(hash) = 32)
) STRICT;

-- A distinct answer. An answer equal to the last one of the same call is not written again, only named again.
CREATE TABLE replies (
    id       INTEGER PRIMARY KEY,
    run_id   INTEGER NOT NULL GENERATED ALWAYS AS (id >> 32) VIRTUAL
        CONSTRAINT reply_run REFERENCES run_starts (run_id),
    -- NULL when no whole HTTP answer came.
    status   INTEGER,
    code     INTEGER,
    error    TEXT,
    outcome  TEXT NOT NULL
        CONSTRAINT reply_outcome CHECK (outcome IN ('applied', 'refused', 'unknown')),
    -- 0: as it came. 1: zstd. 2: zstd against the body of the reply `base`.
    encoding INTEGER NOT NULL CONSTRAINT reply_encoding CHECK (encoding IN (0, 1, 2)),
    base     INTEGER
        CONSTRAINT reply_base_if_delta CHECK ((encoding = 2) = (base IS NOT NULL)),
    base_id  INTEGER GENERATED ALWAYS AS (((id >> 32) << 32) | base) VIRTUAL
        CONSTRAINT reply_base REFERENCES replies (id),
    -- Length of the body once it is unpacked, which bounds the buffer it is unpacked into.
    size     INTEGER NOT NULL CONSTRAINT reply_size CHECK (size >= 0),
    body     BLOB NOT NULL,
    hash     BLOB NOT NULL CONSTRAINT reply_hash CHECK (length(hash) = 32)
) STRICT;

-- What a good spot_marketplace answer says about us, read from it once for each distinct answer.
CREATE TABLE sightings (
    id         INTEGER PRIMARY KEY CONSTRAINT sighting_reply REFERENCES replies (id),
    server     INTEGER NOT NULL,
    floor      TEXT,
    best_rival TEXT,
    our_bid    TEXT,
    holding    INTEGER NOT NULL CONSTRAINT sighting_holding CHECK (holding IN (0, 1)),
    online     INTEGER NOT NULL CONSTRAINT sighting_online CHECK (online IN (0, 1)),
    visibility TEXT NOT NULL,
    hash       BLOB NOT NULL CONSTRAINT sighting_hash CHECK (length(hash) = 32)
) STRICT;

-- A request that changes nothing, with its answer: tens of thousands a day, so a row is little more than its hash.
CREATE TABLE reads (
    id       INTEGER PRIMARY KEY,
    run_id   INTEGER NOT NULL GENERATED ALWAYS AS (id >> 32) VIRTUAL
        CONSTRAINT read_run REFERENCES run_starts (run_id),
    seq      INTEGER GENERATED ALWAYS AS (id & 4294967295) VIRTUAL,
    sent_at  INTEGER NOT NULL,
    -- Milliseconds until the answer; NULL with `reply` when the run went on without one.
    took     INTEGER CONSTRAINT read_took CHECK (took >= 0),
    call     INTEGER NOT NULL,
    call_id  INTEGER NOT NULL GENERATED ALWAYS AS (((id >> 32) << 32) | call) VIRTUAL
        CONSTRAINT read_call REFERENCES calls (id),
    reply    INTEGER
        CONSTRAINT read_answered_whole CHECK ((reply IS NULL) = (took IS NULL)),
    reply_id INTEGER GENERATED ALWAYS AS (((id >> 32) << 32) | reply) VIRTUAL
        CONSTRAINT read_reply REFERENCES replies (id),
    reason   TEXT NOT NULL,
    hash     BLOB NOT NULL CONSTRAINT read_hash CHECK (length(hash) = 32)
) STRICT;

-- A request that changes something at the venue, committed before a byte of it is sent.
CREATE TABLE changes (
    id        INTEGER PRIMARY KEY,
    run_id    INTEGER NOT NULL GENERATED ALWAYS AS (id >> 32) VIRTUAL
        CONSTRAINT change_run REFERENCES run_starts (run_id),
    seq       INTEGER GENERATED ALWAYS AS (id & 4294967295) VIRTUAL,
    sent_at   INTEGER NOT NULL,
    call      TEXT NOT NULL,
    args      TEXT NOT NULL CONSTRAINT change_args_json CHECK (json_valid(args)),
    request   TEXT NOT NULL CONSTRAINT change_request_json CHECK (json_valid(request)),
    target    TEXT,
    reason    TEXT NOT NULL,
    action    TEXT NOT NULL
        CONSTRAINT change_action CHECK (action IN ('place', 'raise', 'lower', 'cancel')),
    server    INTEGER NOT NULL,
    -- A create has no order yet; everything else names the order it is about.
    offer     INTEGER
        CONSTRAINT change_offer CHECK (offer IS NOT NULL OR action = 'place'),
    old_price TEXT,
    new_price TEXT
        CONSTRAINT change_new_price CHECK (new_price IS NOT NULL OR action = 'cancel'),
    hash      BLOB NOT NULL CONSTRAINT change_hash CHECK (length(hash) = 32)
) STRICT;

-- The answer to a change: a row of its own, since the change's row was committed before and stays as it is.
-- A change without one is pending: nobody knows what became of it.
CREATE TABLE answers (
    id          INTEGER PRIMARY KEY CONSTRAINT answer_change REFERENCES changes (id),
    run_id      INTEGER NOT NULL GENERATED ALWAYS AS (id >> 32) VIRTUAL
        CONSTRAINT answer_run REFERENCES run_starts (run_id),
    answered_at INTEGER NOT NULL,
    reply       INTEGER NOT NULL,
    reply_id    INTEGER NOT NULL GENERATED ALWAYS AS (((id >> 32) << 32) | reply) VIRTUAL
        CONSTRAINT answer_reply REFERENCES replies (id),
    -- The order it was about, where the answer told or the sender knew.
    offer       INTEGER,
    hash        BLOB NOT NULL CONSTRAINT answer_hash CHECK (length(hash) = 32)
) STRICT;

-- What the core carries from one run to the next.
CREATE TABLE memories (
    id       INTEGER PRIMARY KEY,
    run_id   INTEGER NOT NULL GENERATED ALWAYS AS (id >> 32) VIRTUAL
        CONSTRAINT memory_run REFERENCES run_starts (run_id),
    -- The request it was written at.
    seq      INTEGER NOT NULL CONSTRAINT memory_seq CHECK (seq >= 0),
    -- 1: written with the request, so it cannot know its answer. 0: written after that answer.
    before   INTEGER NOT NULL CONSTRAINT memory_before CHECK (before IN (0, 1)),
    at       INTEGER NOT NULL,
    encoding INTEGER NOT NULL CONSTRAINT memory_encoding CHECK (encoding IN (0, 1)),
    size     INTEGER NOT NULL CONSTRAINT memory_size CHECK (size >= 0),
    body     BLOB NOT NULL,
    hash     BLOB NOT NULL CONSTRAINT memory_hash CHECK (length(hash) = 32)
) STRICT;

-- What we have on a server went from one state to another.
CREATE TABLE transitions (
    id         INTEGER PRIMARY KEY,
    run_id     INTEGER NOT NULL GENERATED ALWAYS AS (id >> 32) VIRTUAL
        CONSTRAINT transition_run REFERENCES run_starts (run_id),
    -- The request whose answer showed it. No foreign key: it may be a read or a change.
    seq        INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    target     TEXT NOT NULL,
    server     INTEGER NOT NULL,
    from_state TEXT NOT NULL,
    to_state   TEXT NOT NULL,
    cause      TEXT NOT NULL,
    hash       BLOB NOT NULL CONSTRAINT transition_hash CHECK (length(hash) = 32)
) STRICT;

-- A stretch of holding a server at one bid began.
CREATE TABLE stretches (
    id          INTEGER PRIMARY KEY,
    run_id      INTEGER NOT NULL GENERATED ALWAYS AS (id >> 32) VIRTUAL
        CONSTRAINT stretch_run REFERENCES run_starts (run_id),
    seq         INTEGER NOT NULL,
    from_at     INTEGER NOT NULL,
    target      TEXT NOT NULL,
    server      INTEGER NOT NULL,
    offer       INTEGER NOT NULL,
    bid         TEXT NOT NULL,
    fee_percent TEXT NOT NULL,
    hash        BLOB NOT NULL CONSTRAINT stretch_hash CHECK (length(hash) = 32)
) STRICT;

-- It ended. Stretches end in another order than they begin, so an end has a number of its own.
CREATE TABLE stretch_ends (
    id         INTEGER PRIMARY KEY,
    run_id     INTEGER NOT NULL GENERATED ALWAYS AS (id >> 32) VIRTUAL
        CONSTRAINT stretch_end_run REFERENCES run_starts (run_id),
    stretch    INTEGER NOT NULL,
    stretch_id INTEGER NOT NULL GENERATED ALWAYS AS (((id >> 32) << 32) | stretch) VIRTUAL
        CONSTRAINT stretch_end_of REFERENCES stretches (id),
    seq        INTEGER NOT NULL,
    to_at      INTEGER NOT NULL,
    -- The bid times the milliseconds held, divided once by those of a day.
    cost       TEXT NOT NULL,
    hash       BLOB NOT NULL CONSTRAINT stretch_end_hash CHECK (length(hash) = 32),
    CONSTRAINT stretch_ends_once UNIQUE (stretch_id)
) STRICT;

-- Running totals of a UTC day. The newest row of a day counts; the earlier ones show how it grew.
CREATE TABLE spending (
    id      INTEGER PRIMARY KEY,
    run_id  INTEGER NOT NULL GENERATED ALWAYS AS (id >> 32) VIRTUAL
        CONSTRAINT spending_run REFERENCES run_starts (run_id),
    -- Days since 1970-01-01.
    day     INTEGER NOT NULL,
    cost    TEXT NOT NULL,
    fees    TEXT NOT NULL,
    held_ms INTEGER NOT NULL CONSTRAINT spending_held CHECK (held_ms >= 0),
    hash    BLOB NOT NULL CONSTRAINT spending_hash CHECK (length(hash) = 32)
) STRICT;

-- What else the core has to say: a limit said no, an order is not ours, a creation fee is due.
CREATE TABLE notices (
    id     INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL GENERATED ALWAYS AS (id >> 32) VIRTUAL
        CONSTRAINT notice_run REFERENCES run_starts (run_id),
    seq    INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    kind   TEXT NOT NULL
        CONSTRAINT notice_kind CHECK (kind IN ('denied', 'foreign_order', 'creation_fee')),
    target TEXT CONSTRAINT notice_target CHECK (target IS NOT NULL OR kind = 'foreign_order'),
    server INTEGER NOT NULL,
    offer  INTEGER CONSTRAINT notice_offer CHECK (offer IS NOT NULL OR kind = 'denied'),
    amount TEXT CONSTRAINT notice_amount CHECK ((amount IS NOT NULL) = (kind = 'creation_fee')),
    -- The limit's code, and its words with the numbers.
    code   TEXT CONSTRAINT notice_code CHECK ((code IS NOT NULL) = (kind = 'denied')),
    words  TEXT,
    hash   BLOB NOT NULL CONSTRAINT notice_hash CHECK (length(hash) = 32)
) STRICT;

-- A run that ended in order. `heads` is a hash over every other table's row count and last hash in this run, so that
-- rows cut off the end of a table are missed too.
CREATE TABLE run_ends (
    id       INTEGER PRIMARY KEY
        CONSTRAINT run_end_once CHECK ((id & 4294967295) = 1),
    run_id   INTEGER NOT NULL GENERATED ALWAYS AS (id >> 32) VIRTUAL
        CONSTRAINT run_end_run REFERENCES run_starts (run_id),
    ended_at INTEGER NOT NULL,
    ended_by TEXT NOT NULL,
    heads    BLOB NOT NULL CONSTRAINT run_end_heads CHECK (length(heads) = 32),
    hash     BLOB NOT NULL CONSTRAINT run_end_hash CHECK (length(hash) = 32)
) STRICT;
