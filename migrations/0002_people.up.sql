-- People and territories: who is signed in, whom they manage, and what they may ask about it.
--
-- A trigger function in PL/pgSQL looks its tables up when it runs. So triggers here and in the next
-- files may write to tables of schema sync that 0008_documents makes.

CREATE TABLE sync.clock (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    last_position bigint NOT NULL DEFAULT 0,
    epoch uuid NOT NULL DEFAULT gen_random_uuid(),
    written_in xid8,
    written_where text
);
COMMENT ON TABLE sync.clock IS 'The last feed position given out and the life of this database. Every committing transaction locks the row first, so that positions become visible in their order and no reader misses one.';
COMMENT ON COLUMN sync.clock.one IS 'Always true: there is one row.';
COMMENT ON COLUMN sync.clock.last_position IS 'The last position given out; readers have everything up to it.';
COMMENT ON COLUMN sync.clock.epoch IS 'Names the life of this database; a restore from backup begins another.';
COMMENT ON COLUMN sync.clock.written_in IS 'The transaction that wrote the row last. In the cluster where that was it is the row''s xmin; after a dump and restore it is not.';
COMMENT ON COLUMN sync.clock.written_where IS 'The database and the timeline in which the row was written last, which a copy and a restore to a moment change.';
INSERT INTO sync.clock DEFAULT VALUES;
SELECT setup.server_table('sync.clock');
COMMENT ON POLICY server_all ON sync.clock IS 'The server keeps the clock.';
GRANT SELECT, UPDATE ON sync.clock TO pantry_server;
GRANT SELECT (last_position, epoch) ON sync.clock TO authenticated;

-- One for each life. Every dump has those of before, so that a restored database takes what it had
-- accepted; but what a copy accepts after that, under a key that it makes for itself, no other takes.
CREATE TABLE sync.receipt_keys (
    epoch uuid PRIMARY KEY,
    key bytea NOT NULL DEFAULT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())),
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE sync.receipt_keys IS 'Under which receipts are written for accepted changes, so that devices can prove later what was accepted: in each life of the database under another key. Whoever reads them can forge receipts of these lives.';
COMMENT ON COLUMN sync.receipt_keys.epoch IS 'The life; that of sync.clock is the present one.';
INSERT INTO sync.receipt_keys (epoch) SELECT epoch FROM sync.clock;
SELECT setup.server_table('sync.receipt_keys');
COMMENT ON POLICY server_all ON sync.receipt_keys IS 'The server writes and checks receipts.';
GRANT SELECT ON sync.receipt_keys TO pantry_server;

-- What a restore changes: the transaction that wrote the clock's row last is its xmin for as long as the
-- row lives in the cluster where it was written, through VACUUM FULL and FREEZE, and after no dump. A
-- copy of the database shows in its oid, a restore to a moment and a failover in the timeline. What
-- shows in nothing is a snapshot of the disk: of that only a device tells, whose cursor is ahead.
CREATE FUNCTION sync.whereabouts() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN concat_ws('/', (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()),
        CASE WHEN has_function_privilege('pg_walfile_name(pg_lsn)', 'EXECUTE')
            THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END);
END $$;
COMMENT ON FUNCTION sync.whereabouts() IS 'In which database and on which timeline this is.';

CREATE FUNCTION sync.is_restored() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE restored boolean;
BEGIN
    SELECT c.written_in IS NULL
        -- Within a savepoint of this very transaction it bears the savepoint's number, until the end.
        OR c.xmin::text::bigint <> (c.written_in::text::bigint & 4294967295)
            AND c.written_in IS DISTINCT FROM pg_current_xact_id_if_assigned()
        OR c.written_where IS DISTINCT FROM sync.whereabouts()
    INTO restored FROM sync.clock c;
    RETURN restored;
END $$;
COMMENT ON FUNCTION sync.is_restored() IS 'Whether the clock''s row was written elsewhere: the database was restored, copied, or just made, and its next write begins another life.';

-- Whoever writes first after a restore begins another life, be it an operator who adds a person. On
-- insert nothing is done: that is what a restore does.
CREATE FUNCTION sync.stamp_clock() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF sync.is_restored() THEN
        NEW.epoch := gen_random_uuid();
    END IF;
    -- Also where an operator says that another life begins, after putting back a snapshot of the disk.
    IF NEW.epoch <> OLD.epoch THEN
        INSERT INTO sync.receipt_keys (epoch) VALUES (NEW.epoch) ON CONFLICT DO NOTHING;
    END IF;
    NEW.written_in := pg_current_xact_id();
    NEW.written_where := sync.whereabouts();
    RETURN NEW;
END $$;
COMMENT ON FUNCTION sync.stamp_clock() IS 'Writes beside the clock where and in which transaction it was written, and begins another life of a restored database, with a receipt key of its own.';
CREATE TRIGGER stamp_clock BEFORE UPDATE ON sync.clock
    FOR EACH ROW EXECUTE FUNCTION sync.stamp_clock();
COMMENT ON TRIGGER stamp_clock ON sync.clock IS 'A restore is noticed by what the row says of itself.';

-- A row that is written within a savepoint bears the savepoint's number. It is written once more at the
-- end, outside of all of them.
CREATE FUNCTION sync.stamp_clock_outside() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- By its own writing only once: where somebody has constraints checked within a savepoint, it comes
    -- too early, and is of no use.
    UPDATE sync.clock c SET epoch = NEW.epoch
    WHERE pg_trigger_depth() = 1 AND c.written_in = pg_current_xact_id() AND c.xmin::text::bigint <> (c.written_in::text::bigint & 4294967295);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION sync.stamp_clock_outside() IS 'Writes the clock again where a savepoint wrote it.';
CREATE CONSTRAINT TRIGGER stamp_clock_outside AFTER UPDATE ON sync.clock
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sync.stamp_clock_outside();
COMMENT ON TRIGGER stamp_clock_outside ON sync.clock IS 'A savepoint is no restore.';

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
-- Those that are asked several times in every statement are in PL/pgSQL, which keeps their plans for
-- the session; an SQL function with a search path of its own is planned anew at each call.
CREATE FUNCTION app.current_user_id() RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT id FROM public.users WHERE id = (SELECT auth.uid()) AND is_active);
END $$;
COMMENT ON FUNCTION app.current_user_id() IS 'The signed-in user; NULL when unknown or disabled, which equals nobody.';

CREATE FUNCTION app.current_role_name() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT role FROM public.users WHERE id = (SELECT auth.uid()) AND is_active);
END $$;
COMMENT ON FUNCTION app.current_role_name() IS 'Role of the signed-in user; NULL when unknown or disabled.';

CREATE FUNCTION app.is_admin() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(app.current_role_name() = 'admin', false);
END $$;
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

-- Whoever stands above somebody in the list of people without being a manager sees nothing of the
-- team's accounts and is told nothing of them. A manager who became a sales rep stands there until
-- the team is given to another.
CREATE FUNCTION app.people_above(people uuid[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 5 AS $$
    WITH RECURSIVE above AS (
        SELECT u.manager_id AS id FROM public.users u WHERE u.id = ANY (people)
        UNION
        SELECT u.manager_id FROM public.users u JOIN above ON u.id = above.id
    )
    SELECT u.id FROM above JOIN public.users u ON u.id = above.id WHERE u.role = 'manager'
$$;
COMMENT ON FUNCTION app.people_above(uuid[]) IS 'Managers of these people, at any height; as app.managed_users, only those whose role that is.';

CREATE FUNCTION app.watchers_of(territories uuid[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 5 AS $$
    WITH RECURSIVE around AS (
        SELECT t.id, t.parent_id FROM public.territories t WHERE t.id = ANY (territories)
        UNION
        SELECT t.id, t.parent_id FROM public.territories t JOIN around ON t.id = around.parent_id
    )
    SELECT u.id FROM public.users u JOIN around ON u.territory_id = around.id
    WHERE u.role IN ('manager', 'read_only')
$$;
COMMENT ON FUNCTION app.watchers_of(uuid[]) IS 'Managers and readers of these territories or of one that contains them.';

CREATE FUNCTION app.concerned(holders uuid[], territories uuid[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 5 AS $$
    SELECT who FROM (
        SELECT unnest(holders) UNION SELECT app.people_above(holders) UNION SELECT app.watchers_of(territories)
    ) AS concerned (who) WHERE who IS NOT NULL
$$;
COMMENT ON FUNCTION app.concerned(uuid[], uuid[]) IS 'Who may see an account by these people, who look after it, or by these territories.';

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

CREATE FUNCTION app.note_user_access() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO sync.access_events (position, scope_id, user_id, reason)
    SELECT NEW.position, NULL::uuid, NEW.id, 'Your access was changed.'
    WHERE (OLD.role, OLD.territory_id, OLD.is_active) IS DISTINCT FROM (NEW.role, NEW.territory_id, NEW.is_active)
    UNION
    SELECT NEW.position, NULL, above, 'Your team was changed.'
    FROM app.people_above(ARRAY[NEW.id]) AS above
    WHERE OLD.manager_id IS DISTINCT FROM NEW.manager_id
    UNION
    SELECT NEW.position, NULL, above, 'Your team was changed.'
    FROM (SELECT OLD.manager_id UNION SELECT app.people_above(ARRAY[OLD.manager_id])) AS old (above)
    WHERE OLD.manager_id IS DISTINCT FROM NEW.manager_id AND above IS NOT NULL;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.note_user_access() IS 'Writes down whose view of everything changed with a person''s role, territory, state or manager.';
CREATE TRIGGER note_access AFTER UPDATE ON public.users
    FOR EACH ROW EXECUTE FUNCTION app.note_user_access();
COMMENT ON TRIGGER note_access ON public.users IS 'A change of role, territory or team changes what devices may hold.';

CREATE FUNCTION app.note_territory_access() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO sync.access_events (position, scope_id, user_id, reason)
    SELECT DISTINCT NEW.position, NULL::uuid, watcher, 'Your territory was changed.'
    FROM app.watchers_of(ARRAY[OLD.parent_id, NEW.parent_id]) AS watcher;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.note_territory_access() IS 'Writes down whose territory grew or shrank with the tree.';
CREATE TRIGGER note_access AFTER UPDATE ON public.territories
    FOR EACH ROW WHEN (OLD.parent_id IS DISTINCT FROM NEW.parent_id)
    EXECUTE FUNCTION app.note_territory_access();
COMMENT ON TRIGGER note_access ON public.territories IS 'A territory that moves changes what devices may hold.';

-- The position tells how much is written in the company: no business of whoever merely has a token.
CREATE POLICY position_is_for_colleagues ON sync.clock FOR SELECT TO authenticated
    USING ((SELECT app.current_user_id()) IS NOT NULL);
COMMENT ON POLICY position_is_for_colleagues ON sync.clock IS 'Whoever is signed in and active reads how far the feed is.';

SELECT setup.owned_table('public.users');
CREATE POLICY colleagues_are_visible ON public.users FOR SELECT TO authenticated, pantry_writer
    USING ((SELECT app.current_user_id()) IS NOT NULL);
COMMENT ON POLICY colleagues_are_visible ON public.users IS 'Whoever is signed in and active sees the names of colleagues.';
CREATE POLICY server_reads ON public.users FOR SELECT TO pantry_server USING (true);
COMMENT ON POLICY server_reads ON public.users IS 'The server looks people up when they sign in.';
-- Names, not e-mail addresses: colleagues see what a device shows.
GRANT SELECT (id, full_name, role, manager_id, territory_id, time_zone, is_active, position)
    ON public.users TO authenticated, pantry_writer;
GRANT SELECT ON public.users TO pantry_server;

SELECT setup.owned_table('public.territories');
CREATE POLICY territories_are_visible ON public.territories FOR SELECT TO authenticated, pantry_writer
    USING ((SELECT app.current_user_id()) IS NOT NULL);
COMMENT ON POLICY territories_are_visible ON public.territories IS 'Whoever is signed in and active sees the territories.';
CREATE POLICY server_reads ON public.territories FOR SELECT TO pantry_server USING (true);
COMMENT ON POLICY server_reads ON public.territories IS 'The server reads territories.';
GRANT SELECT ON public.territories TO authenticated, pantry_writer, pantry_server;

SELECT setup.close_functions();
GRANT EXECUTE ON FUNCTION sync.is_restored() TO pantry_server;
GRANT EXECUTE ON FUNCTION app.current_user_id(), app.current_role_name(), app.is_admin(),
    app.managed_territories(), app.managed_users() TO authenticated, pantry_writer, pantry_server;
