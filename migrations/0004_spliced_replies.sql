-- Answers that are another with a different middle, and the rows of one server found without reading a table whole.
--
-- Only a constraint of `replies` becomes wider, which no stored row can break, so its text is replaced in the schema as
-- https://www.sqlite.org/lang_altertable.html (section 7) says: that takes no longer on a journal of a million rows than
-- on an empty one, and the append-only triggers stay armed. All of it is one transaction.

PRAGMA writable_schema = ON;

UPDATE sqlite_schema SET sql = replace(
    replace(
        replace(
            sql,
            '-- 0: as it came. 1: zstd. 2: zstd against the body of the reply `base`.',
            '-- 0: as it came. 1: zstd. 2: zstd against the body of the reply `base`. 3: that body with another middle,'
                || char(10) || '    -- as the length of what it begins with in four bytes, least first, and the middle.'
        ),
        'CHECK (encoding IN (0, 1, 2))',
        'CHECK (encoding IN (0, 1, 2, 3))'
    ),
    'CHECK ((encoding = 2) = (base IS NOT NULL))',
    'CHECK ((encoding >= 2) = (base IS NOT NULL))'
)
WHERE type = 'table' AND name = 'replies';

-- From here on this connection sees the new text. The indexes below raise the schema's number, so others see it too.
PRAGMA writable_schema = RESET;

-- What happened on one server. The tables that grow with every request have no index but their key.
CREATE INDEX changes_of_server ON changes (server);
CREATE INDEX transitions_of_server ON transitions (server);
CREATE INDEX stretches_of_server ON stretches (run_id, server, seq);
