-- Records that begin to hang from something else: whoever saw only the old place must let go of them.

CREATE TABLE sync.moves (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    position bigint NOT NULL,
    record_id uuid NOT NULL,
    from_scope uuid NOT NULL
);
COMMENT ON TABLE sync.moves IS 'Records that left a scope, such as a contact who changed employer, with the feed position of the change.';
COMMENT ON COLUMN sync.moves.position IS 'Whoever''s cursor is before it may still hold the record.';
COMMENT ON COLUMN sync.moves.from_scope IS 'What the record hung from before: an account''s id, a user''s, or everyone''s.';
CREATE INDEX moves_position ON sync.moves (position);

ALTER TABLE sync.moves ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync.moves FORCE ROW LEVEL SECURITY;
CREATE POLICY server_all ON sync.moves TO pantry_server, CURRENT_USER USING (true) WITH CHECK (true);
COMMENT ON POLICY server_all ON sync.moves IS 'The server keeps this table.';
-- By id alone, and only to people of the old place: they knew the record.
CREATE POLICY you_saw_the_old_place ON sync.moves FOR SELECT TO authenticated
    USING (
        EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = from_scope)
        OR from_scope = (SELECT app.current_user_id())
        OR from_scope = '00000000-0000-0000-0000-0000000000e0' AND (SELECT app.current_user_id()) IS NOT NULL
    );
COMMENT ON POLICY you_saw_the_old_place ON sync.moves IS 'You learn that a record left a place that you see.';
GRANT SELECT, INSERT, DELETE ON sync.moves TO pantry_server;
GRANT SELECT ON sync.moves TO authenticated;

CREATE FUNCTION app.note_move() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO sync.moves (position, record_id, from_scope) VALUES (NEW.position, NEW.id, OLD.scope_id);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.note_move() IS 'Writes down that a record left a scope.';
REVOKE ALL ON FUNCTION app.note_move() FROM public;
CREATE TRIGGER note_move AFTER UPDATE ON sync.documents
    FOR EACH ROW WHEN (OLD.scope_id IS DISTINCT FROM NEW.scope_id)
    EXECUTE FUNCTION app.note_move();
COMMENT ON TRIGGER note_move ON sync.documents IS 'Devices of those who saw only the old place erase the record.';
