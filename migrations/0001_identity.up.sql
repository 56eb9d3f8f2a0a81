-- Who asks: roles, the signed-in user, people and territories.

-- Roles belong to the whole cluster, so another database may have made them, even at this moment.
DO $$
DECLARE wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['authenticated', 'pantry_writer', 'pantry_server'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;
END $$;
COMMENT ON ROLE pantry_writer IS 'Under this role the server writes projected rows as the pushing user; nobody logs in as it.';
COMMENT ON ROLE pantry_server IS 'What each connection of the server process becomes; owns nothing and does not bypass row security.';
GRANT authenticated, pantry_writer TO pantry_server;
GRANT pantry_server TO CURRENT_USER;

-- Supabase brings its own auth.uid(); a plain PostgreSQL gets one that reads the same claims.
DO $$
BEGIN
    IF to_regprocedure('auth.uid()') IS NULL THEN
        CREATE SCHEMA IF NOT EXISTS auth;
        COMMENT ON SCHEMA auth IS 'Made for Kitchen Pantry where Supabase has not made it.';
        EXECUTE $f$
            CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE plpgsql STABLE AS $body$
            BEGIN
                RETURN (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid;
            EXCEPTION WHEN invalid_text_representation THEN
                RETURN NULL;
            END $body$
        $f$;
        COMMENT ON FUNCTION auth.uid() IS 'The signed-in user from the request''s claims; NULL without or with unreadable claims.';
    END IF;
END $$;
GRANT USAGE ON SCHEMA auth TO authenticated, pantry_writer, pantry_server;

CREATE SCHEMA app;
COMMENT ON SCHEMA app IS 'Questions that policies ask about the signed-in user.';
GRANT USAGE ON SCHEMA app TO authenticated, pantry_writer, pantry_server;

CREATE SCHEMA sync;
COMMENT ON SCHEMA sync IS 'Documents, changes and what the feed needs; written by the server alone.';
GRANT USAGE ON SCHEMA sync TO authenticated, pantry_writer, pantry_server;

CREATE TABLE sync.clock (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    last_position bigint NOT NULL DEFAULT 0,
    epoch uuid NOT NULL DEFAULT gen_random_uuid()
);
COMMENT ON TABLE sync.clock IS 'The last feed position given out and the life of this database. Every committing transaction locks the row first, so that positions become visible in their order and no reader misses one.';
INSERT INTO sync.clock DEFAULT VALUES;

CREATE TABLE public.territories (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    parent_id uuid REFERENCES public.territories (id),
    position bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE public.territories IS 'Sales regions, a tree.';
COMMENT ON COLUMN public.territories.position IS 'Feed position of the last change.';

CREATE TABLE public.users (
    id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE,
    first_name text,
    last_name text,
    -- Written so that one missing name does not make the whole NULL.
    full_name text GENERATED ALWAYS AS (
        nullif(trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')), '')
    ) STORED,
    role text NOT NULL DEFAULT 'sales_rep' CHECK (role IN ('admin', 'manager', 'sales_rep', 'read_only')),
    manager_id uuid REFERENCES public.users (id),
    territory_id uuid REFERENCES public.territories (id),
    time_zone text NOT NULL DEFAULT 'America/New_York',
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    position bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE public.users IS 'People with an account. The role here counts; a role inside a token does not.';
COMMENT ON COLUMN public.users.position IS 'Feed position of the last change.';
CREATE INDEX users_manager ON public.users (manager_id);

-- The identity functions are SECURITY DEFINER because policies on users must not ask users again.
CREATE FUNCTION app.role_of_user() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT role FROM public.users WHERE id = auth.uid() AND is_active
$$;
COMMENT ON FUNCTION app.role_of_user() IS 'Role of the signed-in user; NULL when unknown or disabled.';

CREATE FUNCTION app.my_territories() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog ROWS 20 AS $$
    WITH RECURSIVE mine AS (
        SELECT territory_id AS id FROM public.users
        WHERE id = auth.uid() AND is_active AND role IN ('manager', 'read_only') AND territory_id IS NOT NULL
        UNION
        SELECT t.id FROM public.territories t JOIN mine ON t.parent_id = mine.id
    )
    SELECT id FROM mine
$$;
COMMENT ON FUNCTION app.my_territories() IS 'The territory of a manager or reader with everything below it.';

CREATE FUNCTION app.my_reports() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog ROWS 20 AS $$
    WITH RECURSIVE mine AS (
        SELECT u.id FROM public.users u
        WHERE u.manager_id = auth.uid()
          AND EXISTS (SELECT 1 FROM public.users m WHERE m.id = auth.uid() AND m.is_active AND m.role = 'manager')
        UNION
        SELECT u.id FROM public.users u JOIN mine ON u.manager_id = mine.id
    )
    SELECT id FROM mine
$$;
COMMENT ON FUNCTION app.my_reports() IS 'The people who report to the signed-in manager, at any depth.';

-- A change of a person or territory takes a feed position, so that devices hear of it.
CREATE FUNCTION sync.take_position() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    UPDATE sync.clock SET last_position = last_position + 1 RETURNING last_position INTO NEW.position;
    PERFORM pg_notify('pantry_feed', '');
    RETURN NEW;
END $$;
COMMENT ON FUNCTION sync.take_position() IS 'Stamps a row of server data with the next feed position and wakes the feeds.';
CREATE TRIGGER take_position BEFORE INSERT OR UPDATE ON public.territories
    FOR EACH ROW EXECUTE FUNCTION sync.take_position();
CREATE TRIGGER take_position BEFORE INSERT OR UPDATE ON public.users
    FOR EACH ROW EXECUTE FUNCTION sync.take_position();

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.users FORCE ROW LEVEL SECURITY;
ALTER TABLE public.territories ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.territories FORCE ROW LEVEL SECURITY;
ALTER TABLE sync.clock ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync.clock FORCE ROW LEVEL SECURITY;

CREATE POLICY colleagues_are_visible ON public.users FOR SELECT TO authenticated, pantry_writer
    USING ((SELECT app.role_of_user()) IS NOT NULL);
COMMENT ON POLICY colleagues_are_visible ON public.users IS 'Whoever is signed in and active sees the names of colleagues.';
CREATE POLICY territories_are_visible ON public.territories FOR SELECT TO authenticated, pantry_writer
    USING ((SELECT app.role_of_user()) IS NOT NULL);
COMMENT ON POLICY territories_are_visible ON public.territories IS 'Whoever is signed in and active sees the territories.';
CREATE POLICY server_reads ON public.users FOR SELECT TO pantry_server USING (true);
COMMENT ON POLICY server_reads ON public.users IS 'The server looks people up when they sign in.';
CREATE POLICY server_reads ON public.territories FOR SELECT TO pantry_server USING (true);
COMMENT ON POLICY server_reads ON public.territories IS 'The server reads territories.';
CREATE POLICY owner_all ON public.users TO CURRENT_USER USING (true) WITH CHECK (true);
COMMENT ON POLICY owner_all ON public.users IS 'Operators work with the owner''s login.';
CREATE POLICY owner_all ON public.territories TO CURRENT_USER USING (true) WITH CHECK (true);
COMMENT ON POLICY owner_all ON public.territories IS 'Operators work with the owner''s login.';
CREATE POLICY server_all ON sync.clock TO pantry_server, CURRENT_USER USING (true) WITH CHECK (true);
COMMENT ON POLICY server_all ON sync.clock IS 'The server keeps the clock.';
CREATE POLICY position_is_visible ON sync.clock FOR SELECT TO authenticated, pantry_writer USING (true);
COMMENT ON POLICY position_is_visible ON sync.clock IS 'The position alone tells nothing.';

-- Names, not e-mail addresses: colleagues see what a device shows.
GRANT SELECT (id, full_name, role, manager_id, territory_id, time_zone, is_active, position)
    ON public.users TO authenticated, pantry_writer;
GRANT SELECT ON public.territories TO authenticated, pantry_writer, pantry_server;
GRANT SELECT ON public.users TO pantry_server;
GRANT SELECT, UPDATE ON sync.clock TO pantry_server;
GRANT SELECT ON sync.clock TO authenticated, pantry_writer;
