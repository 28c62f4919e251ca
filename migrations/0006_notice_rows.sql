-- The table of notices makes way for a view of that name. Its rows, their keys and their hashes stay as they are: the
-- chain goes on from the name that the table had. Its triggers are made again, since their words name it.

DROP TRIGGER notices_no_update;
DROP TRIGGER notices_no_delete;
DROP TRIGGER notices_no_replace;

ALTER TABLE notices RENAME TO notice_rows;

CREATE TRIGGER notice_rows_no_update BEFORE UPDATE ON notice_rows BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: notice_rows may not be updated');
END;
CREATE TRIGGER notice_rows_no_delete BEFORE DELETE ON notice_rows BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: notice_rows may not be deleted from');
END;
CREATE TRIGGER notice_rows_no_replace BEFORE INSERT ON notice_rows WHEN EXISTS (SELECT 1 FROM notice_rows WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: notice_rows may not be replaced');
END;
