-- Who asks: roles, the signed-in user, people and territories.

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

CREATE TABLE sync.clock (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    last_position bigint NOT NULL DEFAULT 0,
    epoch uuid NOT NULL DEFAULT gen_random_uuid()
);
COMMENT ON TABLE sync.clock IS 'The last feed position given out and the life of this database. Every committing transaction locks the row first, so that positions become visible in their order and no reader misses one.';
COMMENT ON COLUMN sync.clock.one IS 'Always true: there is one row.';
COMMENT ON COLUMN sync.clock.last_position IS 'The last position given out; readers have everything up to it.';
COMMENT ON COLUMN sync.clock.epoch IS 'Names the life of this database; a restore from backup begins another.';
INSERT INTO sync.clock DEFAULT VALUES;

CREATE TABLE public.territories (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    parent_id uuid REFERENCES public.territories (id),
    position bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE public.territories IS 'Sales regions, a tree.';
COMMENT ON COLUMN public.territories.parent_id IS 'The region it lies in; nothing for the root of a tree.';
COMMENT ON COLUMN public.territories.position IS 'Feed position of the last change; the database sets it.';
CREATE INDEX territories_parent ON public.territories (parent_id);
CREATE INDEX territories_position ON public.territories (position);

-- A name that Postgres does not know would make every report that uses it fail, hence the check.
CREATE FUNCTION app.is_time_zone(name text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM timezone(name, timestamptz 'epoch');
    RETURN true;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false;
END $$;
COMMENT ON FUNCTION app.is_time_zone(text) IS 'Whether Postgres knows a time zone of this name. Declared immutable so that a constraint may ask.';

-- No foreign key to auth.users: a plain PostgreSQL has none, and a login that is erased there must
-- not take the person's records with it.
CREATE TABLE public.users (
    id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE,
    first_name text,
    last_name text,
    -- Written so that one missing name does not make the whole NULL.
    full_name text GENERATED ALWAYS AS (
        nullif(trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')), '')
    ) STORED,
    role text NOT NULL DEFAULT 'sales_rep'
        CONSTRAINT known_role CHECK (role IN ('admin', 'manager', 'sales_rep', 'read_only')),
    manager_id uuid REFERENCES public.users (id),
    territory_id uuid REFERENCES public.territories (id),
    time_zone text NOT NULL DEFAULT 'America/New_York'
        CONSTRAINT known_time_zone CHECK (app.is_time_zone(time_zone)),
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    position bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE public.users IS 'People with an account. The role here counts; a role inside a token does not.';
COMMENT ON COLUMN public.users.email IS 'What an operator finds a person by; devices never see it.';
COMMENT ON COLUMN public.users.full_name IS 'Given and family name as far as known.';
COMMENT ON COLUMN public.users.role IS 'admin, manager, sales_rep or read_only: what the policies go by.';
COMMENT ON COLUMN public.users.manager_id IS 'Whom the person reports to; a manager sees the accounts of everybody below, at any depth.';
COMMENT ON COLUMN public.users.territory_id IS 'The territory whose accounts a manager or reader sees, with everything below it.';
COMMENT ON COLUMN public.users.time_zone IS 'IANA name; days and weeks in reports are days and weeks there.';
COMMENT ON COLUMN public.users.is_active IS 'Whoever is not active sees and writes nothing.';
COMMENT ON COLUMN public.users.position IS 'Feed position of the last change; the database sets it.';
CREATE INDEX users_manager ON public.users (manager_id);
CREATE INDEX users_territory ON public.users (territory_id);
CREATE INDEX users_position ON public.users (position);

-- The identity functions are SECURITY DEFINER because policies on users must not ask users again.
-- Policies call them in scalar sub-selects, so that each runs once a statement and not once a row.
CREATE FUNCTION app.current_user_id() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT id FROM public.users WHERE id = (SELECT auth.uid()) AND is_active
$$;
COMMENT ON FUNCTION app.current_user_id() IS 'The signed-in user; NULL when unknown or disabled, which equals nobody.';

CREATE FUNCTION app.current_role_name() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT role FROM public.users WHERE id = (SELECT auth.uid()) AND is_active
$$;
COMMENT ON FUNCTION app.current_role_name() IS 'Role of the signed-in user; NULL when unknown or disabled.';

CREATE FUNCTION app.is_admin() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(app.current_role_name() = 'admin', false)
$$;
COMMENT ON FUNCTION app.is_admin() IS 'Whether the signed-in user is an active administrator.';

CREATE FUNCTION app.managed_territories() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 20 AS $$
    -- UNION drops what was met before, so that a cycle among territories ends.
    WITH RECURSIVE mine AS (
        SELECT territory_id AS id FROM public.users
        WHERE id = (SELECT auth.uid()) AND is_active AND role IN ('manager', 'read_only') AND territory_id IS NOT NULL
        UNION
        SELECT t.id FROM public.territories t JOIN mine ON t.parent_id = mine.id
    )
    SELECT id FROM mine
$$;
COMMENT ON FUNCTION app.managed_territories() IS 'The territory of a manager or reader with everything below it; nothing for others.';

CREATE FUNCTION app.managed_users() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 20 AS $$
    -- UNION drops who was met before, so that two people who manage each other do no harm.
    WITH RECURSIVE mine AS (
        SELECT u.id FROM public.users m JOIN public.users u ON u.manager_id = m.id
        WHERE m.id = (SELECT auth.uid()) AND m.is_active AND m.role = 'manager'
        UNION
        SELECT u.id FROM public.users u JOIN mine ON u.manager_id = mine.id
    )
    SELECT id FROM mine
$$;
COMMENT ON FUNCTION app.managed_users() IS 'The people who report to the signed-in manager, at any depth; nobody for others.';

-- A change of a person or territory takes a feed position, so that devices hear of it.
CREATE FUNCTION sync.take_position() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE sync.clock SET last_position = last_position + 1 RETURNING last_position INTO NEW.position;
    PERFORM pg_notify('pantry_feed', '');
    RETURN NEW;
END $$;
COMMENT ON FUNCTION sync.take_position() IS 'Stamps a row of server data with the next feed position and wakes the feeds.';
CREATE TRIGGER take_position BEFORE INSERT OR UPDATE ON public.territories
    FOR EACH ROW EXECUTE FUNCTION sync.take_position();
COMMENT ON TRIGGER take_position ON public.territories IS 'Devices hear of every change of a territory.';
CREATE TRIGGER take_position BEFORE INSERT OR UPDATE ON public.users
    FOR EACH ROW EXECUTE FUNCTION sync.take_position();
COMMENT ON TRIGGER take_position ON public.users IS 'Devices hear of every change of a person.';

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.users FORCE ROW LEVEL SECURITY;
ALTER TABLE public.territories ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.territories FORCE ROW LEVEL SECURITY;
ALTER TABLE sync.clock ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync.clock FORCE ROW LEVEL SECURITY;

CREATE POLICY colleagues_are_visible ON public.users FOR SELECT TO authenticated, pantry_writer
    USING ((SELECT app.current_user_id()) IS NOT NULL);
COMMENT ON POLICY colleagues_are_visible ON public.users IS 'Whoever is signed in and active sees the names of colleagues.';
CREATE POLICY territories_are_visible ON public.territories FOR SELECT TO authenticated, pantry_writer
    USING ((SELECT app.current_user_id()) IS NOT NULL);
COMMENT ON POLICY territories_are_visible ON public.territories IS 'Whoever is signed in and active sees the territories.';
CREATE POLICY server_reads ON public.users FOR SELECT TO pantry_server USING (true);
COMMENT ON POLICY server_reads ON public.users IS 'The server looks people up when they sign in.';
CREATE POLICY server_reads ON public.territories FOR SELECT TO pantry_server USING (true);
COMMENT ON POLICY server_reads ON public.territories IS 'The server reads territories.';
-- Row security is forced, so that the owner too needs a policy where it is no superuser.
CREATE POLICY owner_all ON public.users TO CURRENT_USER USING (true) WITH CHECK (true);
COMMENT ON POLICY owner_all ON public.users IS 'Operators work with the owner''s login.';
CREATE POLICY owner_all ON public.territories TO CURRENT_USER USING (true) WITH CHECK (true);
COMMENT ON POLICY owner_all ON public.territories IS 'Operators work with the owner''s login.';
CREATE POLICY server_all ON sync.clock TO pantry_server, CURRENT_USER USING (true) WITH CHECK (true);
COMMENT ON POLICY server_all ON sync.clock IS 'The server keeps the clock.';
CREATE POLICY position_is_visible ON sync.clock FOR SELECT TO authenticated, pantry_writer USING (true);
COMMENT ON POLICY position_is_visible ON sync.clock IS 'The position alone tells nothing.';

-- Supabase grants everything on every fresh table of schema public to its own roles; take that back
-- before granting what is meant.
DO $$
DECLARE who text;
BEGIN
    FOREACH who IN ARRAY ARRAY['public', 'anon', 'authenticated'] LOOP
        IF who = 'public' OR to_regrole(who) IS NOT NULL THEN
            EXECUTE format('REVOKE ALL ON public.users, public.territories, sync.clock FROM %s', who);
            EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA app, sync FROM %s', who);
        END IF;
    END LOOP;
END $$;
-- Names, not e-mail addresses: colleagues see what a device shows.
GRANT SELECT (id, full_name, role, manager_id, territory_id, time_zone, is_active, position)
    ON public.users TO authenticated, pantry_writer;
GRANT SELECT ON public.territories TO authenticated, pantry_writer, pantry_server;
GRANT SELECT ON public.users TO pantry_server;
GRANT SELECT, UPDATE ON sync.clock TO pantry_server;
GRANT SELECT ON sync.clock TO authenticated, pantry_writer;
GRANT EXECUTE ON FUNCTION app.current_user_id(), app.current_role_name(), app.is_admin(),
    app.managed_territories(), app.managed_users() TO authenticated, pantry_writer, pantry_server;
