-- Roles stay: they belong to the cluster, and another database may use them.
-- The schema setup has the list of what is applied: `migrate down` drops it after this file.
REVOKE ALL ON SCHEMA setup FROM pantry_server;
REVOKE ALL ON setup.migrations FROM pantry_server;
DROP POLICY server_all ON setup.migrations;
ALTER TABLE setup.migrations NO FORCE ROW LEVEL SECURITY;
ALTER TABLE setup.migrations DISABLE ROW LEVEL SECURITY;
DROP FUNCTION setup.server_table(regclass), setup.owned_table(regclass), setup.close_functions(),
    setup.sample_words_of(regclass, text[]), setup.sample_nothing_of(regclass, text[]), setup.take_back(regclass);
DROP SCHEMA sync CASCADE;
DROP SCHEMA app CASCADE;
-- Only what the up migration made; a foreign auth.uid() or schema auth is left alone.
DO $$
BEGIN
    IF obj_description(to_regprocedure('auth.uid()'), 'pg_proc') LIKE 'Made for Kitchen Pantry%' THEN
        REVOKE USAGE ON SCHEMA auth FROM authenticated, pantry_writer, pantry_server;
        DROP FUNCTION auth.uid();
    END IF;
    IF obj_description(to_regnamespace('auth'), 'pg_namespace') LIKE 'Made for Kitchen Pantry%' THEN
        DROP SCHEMA auth;
    END IF;
EXCEPTION WHEN dependent_objects_still_exist THEN
    RAISE NOTICE 'schema auth stays: others have come to use it';
END $$;
