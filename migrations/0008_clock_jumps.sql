-- One more kind of notice: the machine slept, or its clock was set (`clock_jump`, with by how much in words). Rows, keys
-- and hashes stay as they are.

DROP VIEW IF EXISTS spend;
DROP VIEW IF EXISTS notices;
DROP VIEW IF EXISTS notices_by_key;

CREATE TABLE notice_rows_anew (
    id     INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL GENERATED ALWAYS AS (id >> 32) VIRTUAL
        CONSTRAINT notice_run REFERENCES run_starts (run_id),
    seq    INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    kind   TEXT NOT NULL
        CONSTRAINT notice_kind CHECK (kind IN ('denied', 'foreign_order', 'creation_fee', 'fee_told', 'venue_spend', 'clock_jump')),
    target TEXT CONSTRAINT notice_target CHECK (target IS NOT NULL OR kind IN ('foreign_order', 'venue_spend', 'clock_jump')),
    server INTEGER CONSTRAINT notice_server CHECK (server IS NOT NULL OR kind IN ('venue_spend', 'clock_jump')),
    offer  INTEGER CONSTRAINT notice_offer CHECK (offer IS NOT NULL OR kind IN ('denied', 'venue_spend', 'clock_jump')),
    amount TEXT CONSTRAINT notice_amount CHECK ((amount IS NOT NULL) = (kind IN ('creation_fee', 'venue_spend'))),
    code   TEXT CONSTRAINT notice_code CHECK ((code IS NOT NULL) = (kind IN ('denied', 'venue_spend'))),
    words  TEXT CONSTRAINT notice_words CHECK (words IS NOT NULL OR kind <> 'clock_jump'),
    hash   BLOB NOT NULL CONSTRAINT notice_hash CHECK (length(hash) = 32)
) STRICT;

INSERT INTO notice_rows_anew (id, seq, at, kind, target, server, offer, amount, code, words, hash)
SELECT id, seq, at, kind, target, server, offer, amount, code, words, hash FROM notice_rows ORDER BY id;

-- Views of a user's own may name the table: they are left as they are.
PRAGMA legacy_alter_table = ON;
DROP TABLE notice_rows;
ALTER TABLE notice_rows_anew RENAME TO notice_rows;
PRAGMA legacy_alter_table = OFF;

CREATE TRIGGER notice_rows_no_update BEFORE UPDATE ON notice_rows BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: notice_rows may not be updated');
END;
CREATE TRIGGER notice_rows_no_delete BEFORE DELETE ON notice_rows BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: notice_rows may not be deleted from');
END;
CREATE TRIGGER notice_rows_no_replace BEFORE INSERT ON notice_rows WHEN EXISTS (SELECT 1 FROM notice_rows WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: notice_rows may not be replaced');
END;
