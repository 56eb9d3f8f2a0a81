-- Roles stay: they belong to the cluster, and another database may use them.
DROP SCHEMA setup CASCADE;
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
