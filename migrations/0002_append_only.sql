-- The journal only grows. Three triggers a table refuse whatever is not a new row: an update, a deletion, and an
-- insertion under a key that exists, since INSERT OR REPLACE deletes without asking a deletion trigger.

CREATE TRIGGER run_starts_no_update BEFORE UPDATE ON run_starts BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: run_starts may not be updated');
END;
CREATE TRIGGER run_starts_no_delete BEFORE DELETE ON run_starts BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: run_starts may not be deleted from');
END;
CREATE TRIGGER run_starts_no_replace BEFORE INSERT ON run_starts WHEN EXISTS (SELECT 1 FROM run_starts WHERE run_id = NEW.run_id) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: run_starts may not be replaced');
END;

CREATE TRIGGER calls_no_update BEFORE UPDATE ON calls BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: calls may not be updated');
END;
CREATE TRIGGER calls_no_delete BEFORE DELETE ON calls BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: calls may not be deleted from');
END;
CREATE TRIGGER calls_no_replace BEFORE INSERT ON calls WHEN EXISTS (SELECT 1 FROM calls WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: calls may not be replaced');
END;

CREATE TRIGGER replies_no_update BEFORE UPDATE ON replies BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: replies may not be updated');
END;
CREATE TRIGGER replies_no_delete BEFORE DELETE ON replies BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: replies may not be deleted from');
END;
CREATE TRIGGER replies_no_replace BEFORE INSERT ON replies WHEN EXISTS (SELECT 1 FROM replies WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: replies may not be replaced');
END;

CREATE TRIGGER sightings_no_update BEFORE UPDATE ON sightings BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: sightings may not be updated');
END;
CREATE TRIGGER sightings_no_delete BEFORE DELETE ON sightings BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: sightings may not be deleted from');
END;
CREATE TRIGGER sightings_no_replace BEFORE INSERT ON sightings WHEN EXISTS (SELECT 1 FROM sightings WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: sightings may not be replaced');
END;

CREATE TRIGGER reads_no_update BEFORE UPDATE ON reads BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: reads may not be updated');
END;
CREATE TRIGGER reads_no_delete BEFORE DELETE ON reads BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: reads may not be deleted from');
END;
CREATE TRIGGER reads_no_replace BEFORE INSERT ON reads WHEN EXISTS (SELECT 1 FROM reads WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: reads may not be replaced');
END;

CREATE TRIGGER changes_no_update BEFORE UPDATE ON changes BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: changes may not be updated');
END;
CREATE TRIGGER changes_no_delete BEFORE DELETE ON changes BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: changes may not be deleted from');
END;
CREATE TRIGGER changes_no_replace BEFORE INSERT ON changes WHEN EXISTS (SELECT 1 FROM changes WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: changes may not be replaced');
END;

CREATE TRIGGER answers_no_update BEFORE UPDATE ON answers BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: answers may not be updated');
END;
CREATE TRIGGER answers_no_delete BEFORE DELETE ON answers BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: answers may not be deleted from');
END;
CREATE TRIGGER answers_no_replace BEFORE INSERT ON answers WHEN EXISTS (SELECT 1 FROM answers WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: answers may not be replaced');
END;

CREATE TRIGGER memories_no_update BEFORE UPDATE ON memories BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: memories may not be updated');
END;
CREATE TRIGGER memories_no_delete BEFORE DELETE ON memories BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: memories may not be deleted from');
END;
CREATE TRIGGER memories_no_replace BEFORE INSERT ON memories WHEN EXISTS (SELECT 1 FROM memories WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: memories may not be replaced');
END;

CREATE TRIGGER transitions_no_update BEFORE UPDATE ON transitions BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: transitions may not be updated');
END;
CREATE TRIGGER transitions_no_delete BEFORE DELETE ON transitions BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: transitions may not be deleted from');
END;
CREATE TRIGGER transitions_no_replace BEFORE INSERT ON transitions WHEN EXISTS (SELECT 1 FROM transitions WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: transitions may not be replaced');
END;

CREATE TRIGGER stretches_no_update BEFORE UPDATE ON stretches BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: stretches may not be updated');
END;
CREATE TRIGGER stretches_no_delete BEFORE DELETE ON stretches BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: stretches may not be deleted from');
END;
CREATE TRIGGER stretches_no_replace BEFORE INSERT ON stretches WHEN EXISTS (SELECT 1 FROM stretches WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: stretches may not be replaced');
END;

CREATE TRIGGER stretch_ends_no_update BEFORE UPDATE ON stretch_ends BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: stretch_ends may not be updated');
END;
CREATE TRIGGER stretch_ends_no_delete BEFORE DELETE ON stretch_ends BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: stretch_ends may not be deleted from');
END;
CREATE TRIGGER stretch_ends_no_replace BEFORE INSERT ON stretch_ends WHEN EXISTS (SELECT 1 FROM stretch_ends WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: stretch_ends may not be replaced');
END;

CREATE TRIGGER spending_no_update BEFORE UPDATE ON spending BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: spending may not be updated');
END;
CREATE TRIGGER spending_no_delete BEFORE DELETE ON spending BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: spending may not be deleted from');
END;
CREATE TRIGGER spending_no_replace BEFORE INSERT ON spending WHEN EXISTS (SELECT 1 FROM spending WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: spending may not be replaced');
END;

CREATE TRIGGER notices_no_update BEFORE UPDATE ON notices BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: notices may not be updated');
END;
CREATE TRIGGER notices_no_delete BEFORE DELETE ON notices BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: notices may not be deleted from');
END;
CREATE TRIGGER notices_no_replace BEFORE INSERT ON notices WHEN EXISTS (SELECT 1 FROM notices WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: notices may not be replaced');
END;

CREATE TRIGGER run_ends_no_update BEFORE UPDATE ON run_ends BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: run_ends may not be updated');
END;
CREATE TRIGGER run_ends_no_delete BEFORE DELETE ON run_ends BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: run_ends may not be deleted from');
END;
CREATE TRIGGER run_ends_no_replace BEFORE INSERT ON run_ends WHEN EXISTS (SELECT 1 FROM run_ends WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only: run_ends may not be replaced');
END;
