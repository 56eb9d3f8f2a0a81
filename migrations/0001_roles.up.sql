-- Who may connect, and the tools with which the other migrations declare their tables.

-- Roles belong to the whole cluster: another database may have made them, or be making them at this
-- very moment. Whoever loses such a race finds the work done and goes on, hence the second tries.
DO $$
DECLARE
    wanted text;
    tries int := 0;
    -- From PostgreSQL 16 on a member may lack the right to become the role.
    may text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    LOOP
        tries := tries + 1;
        BEGIN
            FOREACH wanted IN ARRAY ARRAY['authenticated', 'pantry_writer', 'pantry_server'] LOOP
                IF to_regrole(wanted) IS NULL THEN
                    EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
                END IF;
            END LOOP;
            -- The server may become these roles but has nothing of theirs until it does; nor has
            -- the login that may become the server, to whom the policies for users must not apply.
            IF (SELECT rolinherit FROM pg_roles WHERE rolname = 'pantry_server') THEN
                ALTER ROLE pantry_server NOINHERIT;
            END IF;
            FOREACH wanted IN ARRAY ARRAY['authenticated', 'pantry_writer'] LOOP
                IF NOT pg_has_role('pantry_server', wanted, may) THEN
                    EXECUTE format('GRANT %I TO pantry_server', wanted);
                END IF;
            END LOOP;
            -- The login that migrates is usually the one that serves. A superuser may become anybody.
            IF NOT pg_has_role(current_user, 'pantry_server', may) THEN
                EXECUTE format('GRANT pantry_server TO %I', current_user);
            END IF;
            IF shobj_description(to_regrole('pantry_writer'), 'pg_authid') IS NULL THEN
                COMMENT ON ROLE pantry_writer IS 'Under this role the server writes projected rows as the pushing user; nobody logs in as it.';
            END IF;
            IF shobj_description(to_regrole('pantry_server'), 'pg_authid') IS NULL THEN
                COMMENT ON ROLE pantry_server IS 'What each connection of the server process becomes; owns nothing and does not bypass row security.';
            END IF;
            EXIT;
        EXCEPTION WHEN duplicate_object OR unique_violation OR internal_error THEN
            IF tries >= 20 THEN
                RAISE;
            END IF;
            PERFORM pg_sleep(0.05);
        END;
    END LOOP;
END $$;

-- Supabase brings its own auth.uid(), which is left as it is; a plain PostgreSQL gets one that reads
-- the same claims. Unreadable claims are no claims: an error here would break every statement.
DO $$
BEGIN
    IF to_regprocedure('auth.uid()') IS NULL THEN
        IF to_regnamespace('auth') IS NULL THEN
            CREATE SCHEMA auth;
            COMMENT ON SCHEMA auth IS 'Made for Kitchen Pantry where Supabase has not made it.';
        END IF;
        EXECUTE $f$
            CREATE FUNCTION auth.uid() RETURNS uuid
            LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $body$
            BEGIN
                RETURN (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid;
            EXCEPTION WHEN OTHERS THEN
                RETURN NULL;
            END $body$
        $f$;
        COMMENT ON FUNCTION auth.uid() IS 'Made for Kitchen Pantry: the signed-in user from the request''s claims; NULL without or with unreadable claims.';
        GRANT USAGE ON SCHEMA auth TO authenticated, pantry_writer, pantry_server;
    END IF;
END $$;

CREATE SCHEMA app;
COMMENT ON SCHEMA app IS 'Questions that policies ask about the signed-in user.';
GRANT USAGE ON SCHEMA app TO authenticated, pantry_writer, pantry_server;

CREATE SCHEMA sync;
COMMENT ON SCHEMA sync IS 'Documents, changes and what the feed needs; written by the server alone.';
GRANT USAGE ON SCHEMA sync TO authenticated, pantry_writer, pantry_server;

-- `migrate up` makes this schema, with the list of what is applied, before it runs this file.
COMMENT ON SCHEMA setup IS 'What migrations call to declare tables, so that none forgets a part, and the list of those applied; for the owner alone.';

-- Some platforms grant everything on each fresh table and view of schema public to roles of theirs,
-- others nothing, and either may change. A migration takes back whatever was granted before it grants
-- what is meant.
CREATE FUNCTION setup.take_back(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE who oid;
BEGIN
    EXECUTE format('REVOKE ALL ON %s FROM public', relation);
    FOR who IN
        SELECT DISTINCT a.grantee FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.oid = relation AND a.grantee NOT IN (0, c.relowner)
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s', relation, who::regrole);
    END LOOP;
END $$;
COMMENT ON FUNCTION setup.take_back(regclass) IS 'Takes back what the platform granted on a fresh table or view.';

-- Everybody may call a function unless that is taken back. Each file that makes functions ends with
-- this call, and then grants those that policies and users need. Trigger functions need no grant.
CREATE FUNCTION setup.close_functions() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE who text;
BEGIN
    FOREACH who IN ARRAY ARRAY['public', 'anon', 'service_role'] LOOP
        IF who = 'public' OR to_regrole(who) IS NOT NULL THEN
            EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA app, sync, setup FROM %s', who);
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION setup.close_functions() IS 'Takes the right to call our functions back from everybody.';

-- EXPLAIN tells everybody the planner's estimates, and those come from a sample of all rows, whatever
-- the policies show: asked about a credit limit above this and above that, they draw the curve of all
-- limits; asked about a title before this letter and before that, they spell the titles out, word for
-- word. So nothing is sampled of amounts, of lists, of finances, nor of any text, JSON or bytes. The
-- sample of ids, times and the few words of closed lists that reports choose by is kept: without it their
-- plans are a thousand times slower.
CREATE FUNCTION setup.sample_nothing_of(relation regclass, VARIADIC types text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE col name;
BEGIN
    FOR col IN
        SELECT a.attname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
          AND t.typname = ANY (types)
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', relation, col);
    END LOOP;
END $$;
COMMENT ON FUNCTION setup.sample_nothing_of(regclass, text[]) IS 'Keeps the planner from sampling a table''s columns of these types, so that its estimates tell nothing of what they hold.';

CREATE FUNCTION setup.sample_words_of(relation regclass, VARIADIC columns text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE col text;
BEGIN
    FOREACH col IN ARRAY columns LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS -1', relation, col);
    END LOOP;
END $$;
COMMENT ON FUNCTION setup.sample_words_of(regclass, text[]) IS 'Lets the planner sample text columns that hold nothing but words of a closed list and that reports choose by.';

-- Row security is forced, so that the owner too needs a policy where it is no superuser.
CREATE FUNCTION setup.owned_table(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM setup.take_back(relation);
    PERFORM setup.sample_nothing_of(relation, 'text', 'varchar', 'json', 'jsonb', 'bytea', '_text', '_uuid');
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', relation);
    EXECUTE format('CREATE POLICY owner_all ON %s TO CURRENT_USER USING (true) WITH CHECK (true)', relation);
    EXECUTE format('COMMENT ON POLICY owner_all ON %s IS %L', relation, 'Operators work with the owner''s login.');
END $$;
COMMENT ON FUNCTION setup.owned_table(regclass) IS 'Forces row security on a table, lets the owner in, and keeps text from the planner''s sample.';

CREATE FUNCTION setup.server_table(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM setup.take_back(relation);
    PERFORM setup.sample_nothing_of(relation, 'text', 'varchar', 'json', 'jsonb', 'bytea', '_text', '_uuid');
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', relation);
    EXECUTE format('CREATE POLICY server_all ON %s TO pantry_server, CURRENT_USER USING (true) WITH CHECK (true)', relation);
    EXECUTE format('COMMENT ON POLICY server_all ON %s IS %L', relation, 'The server keeps this table.');
END $$;
COMMENT ON FUNCTION setup.server_table(regclass) IS 'Forces row security on a table, lets the server and the owner in, and keeps text from the planner''s sample; what each may do there is granted beside it.';

-- The server reads how far the database is before it serves.
COMMENT ON TABLE setup.migrations IS 'The migrations that are applied; kept by sync-server migrate.';
SELECT setup.server_table('setup.migrations');
COMMENT ON POLICY server_all ON setup.migrations IS 'The server reads what is applied.';
GRANT USAGE ON SCHEMA setup TO pantry_server;
GRANT SELECT ON setup.migrations TO pantry_server;

SELECT setup.close_functions();
