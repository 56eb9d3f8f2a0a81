-- Who may see and write which records. This is the only place where it is written.
--
-- Two kinds of policy work together. A permissive one says what a person sees; its WITH CHECK is
-- wide. Beside it stand restrictive ones for writing, because PostgreSQL tells whoever it refuses
-- the name of a restrictive policy only, and that name leads to the sentence in its comment. The
-- server writes by upsert, for which PostgreSQL asks the INSERT policies about every row, the UPDATE
-- policies about those that exist, and the SELECT policies about both.

GRANT SELECT ON public.organizations, public.contacts, public.opportunities, public.interactions, public.tasks TO authenticated;
GRANT SELECT, INSERT, UPDATE ON public.organizations, public.contacts, public.opportunities, public.interactions, public.tasks TO pantry_writer;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['organizations', 'contacts', 'opportunities', 'interactions', 'tasks'] LOOP
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON public.%I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('COMMENT ON POLICY owner_all ON public.%I IS %L', t, 'Operators work with the owner''s login.');
        EXECUTE format('CREATE POLICY readers_do_not_write ON public.%I AS RESTRICTIVE FOR INSERT TO pantry_writer WITH CHECK ((SELECT app.current_role_name()) <> ''read_only'')', t);
        EXECUTE format('COMMENT ON POLICY readers_do_not_write ON public.%I IS %L', t, 'Your account may read records but not change them; ask an administrator.');
        EXECUTE format('CREATE POLICY readers_do_not_change ON public.%I AS RESTRICTIVE FOR UPDATE TO pantry_writer USING ((SELECT app.current_role_name()) <> ''read_only'')', t);
        EXECUTE format('COMMENT ON POLICY readers_do_not_change ON public.%I IS %L', t, 'Your account may read records but not change them; ask an administrator.');
    END LOOP;
END $$;

-- Organizations. What makes an account yours is spelt once here and asked three times: when seeing,
-- when adding, and of the account as a change leaves it. The scalar sub-selects run once a
-- statement; the sets are hashed once a statement, and only when what stands before them is false.
DO $$
DECLARE
    yours constant text := $y$
        assigned_user_id = (SELECT app.current_user_id())
        OR secondary_user_id = (SELECT app.current_user_id())
        OR (SELECT app.is_admin())
        OR territory_id IN (SELECT app.managed_territories())
        OR assigned_user_id IN (SELECT app.managed_users())
        OR secondary_user_id IN (SELECT app.managed_users())$y$;
BEGIN
    EXECUTE 'CREATE POLICY account_is_yours ON public.organizations TO authenticated, pantry_writer USING ('
        || yours || ') WITH CHECK ((SELECT app.current_user_id()) IS NOT NULL)';
    EXECUTE 'CREATE POLICY account_must_be_yours ON public.organizations AS RESTRICTIVE FOR INSERT TO pantry_writer WITH CHECK ('
        || yours || ')';
    EXECUTE 'CREATE POLICY account_must_stay_yours ON public.organizations AS RESTRICTIVE FOR UPDATE TO pantry_writer USING (true) WITH CHECK ('
        || yours || ')';
END $$;
COMMENT ON POLICY account_is_yours ON public.organizations IS 'You see an account when it is assigned to you, lies in your territory, or belongs to somebody who reports to you.';
COMMENT ON POLICY account_must_be_yours ON public.organizations IS 'This account is not assigned to you, so you cannot change it; ask your manager to assign it.';
COMMENT ON POLICY account_must_stay_yours ON public.organizations IS 'After this change the account would be out of your reach; ask somebody who manages both sides.';

-- After and not before the row is written, because an upsert fires BEFORE INSERT for rows that stand
-- already; the WHEN spares every other row the call.
CREATE FUNCTION app.check_created_type() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF app.current_role_name() = 'sales_rep' THEN
        RAISE EXCEPTION USING ERRCODE = 'PT403', CONSTRAINT = 'reps_create_prospects',
            SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
            MESSAGE = 'A sales rep may create prospects only; ask your manager to create a customer, principal or distributor.';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.check_created_type() IS 'Refuses a sales rep who creates anything but a prospect.';
CREATE TRIGGER reps_create_prospects AFTER INSERT ON public.organizations
    FOR EACH ROW WHEN (NEW.organization_type <> 'prospect')
    EXECUTE FUNCTION app.check_created_type();
COMMENT ON TRIGGER reps_create_prospects ON public.organizations IS 'A sales rep may create prospects only; ask your manager to create a customer, principal or distributor.';

CREATE FUNCTION app.check_reassignment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Operators come without claims and are let through; readers are refused by their own policy.
    IF app.current_role_name() = 'sales_rep' THEN
        RAISE EXCEPTION USING ERRCODE = 'PT403', CONSTRAINT = 'only_managers_reassign',
            SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
            MESSAGE = 'Only a manager may assign an account to somebody else.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION app.check_reassignment() IS 'Refuses a sales rep who changes to whom or to which territory an account belongs.';
CREATE TRIGGER only_managers_reassign BEFORE UPDATE ON public.organizations
    FOR EACH ROW WHEN (
        (OLD.assigned_user_id, OLD.secondary_user_id, OLD.territory_id)
        IS DISTINCT FROM (NEW.assigned_user_id, NEW.secondary_user_id, NEW.territory_id))
    EXECUTE FUNCTION app.check_reassignment();
COMMENT ON TRIGGER only_managers_reassign ON public.organizations IS 'Only a manager may assign an account to somebody else.';

-- What hangs from an account follows it: the policy of organizations decides within the sub-select.
-- EXISTS and not IN, because the planner may then look up the few accounts concerned rather than
-- collect every visible one first. The personal rule mirrors how a document gets its scope.
DO $$
DECLARE
    t text;
    holder text;
    visible text;
BEGIN
    FOREACH t IN ARRAY ARRAY['contacts', 'opportunities', 'interactions', 'tasks'] LOOP
        holder := CASE t
            WHEN 'interactions' THEN 'coalesce(user_id, created_by)'
            WHEN 'tasks' THEN 'coalesce(assignee_id, created_by)'
            ELSE 'created_by' END;
        visible := format($v$
            EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = %1$I.organization_id)
            OR organization_id IS NULL AND (%2$s = (SELECT app.current_user_id()) OR (SELECT app.is_admin()))$v$, t, holder);
        EXECUTE format('CREATE POLICY follows_its_account ON public.%I TO authenticated, pantry_writer USING (%s) WITH CHECK ((SELECT app.current_user_id()) IS NOT NULL)', t, visible);
        EXECUTE format('COMMENT ON POLICY follows_its_account ON public.%I IS %L', t,
            'You see what hangs from the accounts you see, and what hangs from none and is yours.');
        EXECUTE format('CREATE POLICY account_must_be_visible ON public.%I AS RESTRICTIVE FOR INSERT TO pantry_writer WITH CHECK (%s)', t, visible);
        EXECUTE format('COMMENT ON POLICY account_must_be_visible ON public.%I IS %L', t,
            'The account this belongs to is not assigned to you, so you cannot add to it or change it.');
        EXECUTE format('CREATE POLICY account_must_stay_visible ON public.%I AS RESTRICTIVE FOR UPDATE TO pantry_writer USING (true) WITH CHECK (%s)', t, visible);
        EXECUTE format('COMMENT ON POLICY account_must_stay_visible ON public.%I IS %L', t,
            'The account you move this to is not assigned to you.');
    END LOOP;
END $$;

-- Whose view of what changed. Events name persons, never everybody: a reason names the account, and
-- only those who saw it or see it now may read that.
CREATE FUNCTION app.people_above(people uuid[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 5 AS $$
    WITH RECURSIVE above AS (
        SELECT u.manager_id AS id FROM public.users u WHERE u.id = ANY (people)
        UNION
        SELECT u.manager_id FROM public.users u JOIN above ON u.id = above.id
    )
    SELECT id FROM above WHERE id IS NOT NULL
$$;
COMMENT ON FUNCTION app.people_above(uuid[]) IS 'Managers of these people, at any height.';

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

CREATE FUNCTION app.note_reassignment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    next bigint;
    people uuid[] := ARRAY[OLD.assigned_user_id, NEW.assigned_user_id, OLD.secondary_user_id, NEW.secondary_user_id];
BEGIN
    -- The committer holds this lock and moves the clock on in the same transaction, so that the
    -- event is there for everybody whose cursor is older than that commit.
    SELECT last_position + 1 INTO next FROM sync.clock FOR UPDATE;
    INSERT INTO sync.access_events (position, scope_id, user_id, reason)
    SELECT next, NEW.id, concerned.id, 'The account "' || coalesce(left(NEW.name, 60), '') || '" was assigned to somebody else.'
    FROM (
        SELECT unnest(people) AS id
        UNION SELECT app.people_above(people)
        UNION SELECT app.watchers_of(ARRAY[OLD.territory_id, NEW.territory_id])
        WHERE OLD.territory_id IS DISTINCT FROM NEW.territory_id
    ) AS concerned
    WHERE concerned.id IS NOT NULL;
    PERFORM pg_notify('pantry_feed', '');
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.note_reassignment() IS 'Writes down who gains or loses an account, so that devices fetch or erase it.';
CREATE TRIGGER note_reassignment AFTER UPDATE ON public.organizations
    FOR EACH ROW WHEN (
        (OLD.assigned_user_id, OLD.secondary_user_id, OLD.territory_id)
        IS DISTINCT FROM (NEW.assigned_user_id, NEW.secondary_user_id, NEW.territory_id))
    EXECUTE FUNCTION app.note_reassignment();
COMMENT ON TRIGGER note_reassignment ON public.organizations IS 'Devices of those concerned fetch or erase the account.';

-- The feed brings a fresh account by its position. Only what hung from it before it came has
-- positions that its readers are past, and must be fetched; that is rare and costs one look-up.
CREATE FUNCTION app.note_late_accounts() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO sync.access_events (position, scope_id, user_id, reason)
    SELECT (SELECT last_position + 1 FROM sync.clock), late.id, concerned.id, 'The account "' || coalesce(left(late.name, 60), '') || '" arrived.'
    FROM added late
    CROSS JOIN LATERAL (
        SELECT unnest(ARRAY[late.assigned_user_id, late.secondary_user_id]) AS id
        UNION SELECT app.people_above(ARRAY[late.assigned_user_id, late.secondary_user_id])
        UNION SELECT app.watchers_of(ARRAY[late.territory_id])
    ) AS concerned
    WHERE concerned.id IS NOT NULL
      AND EXISTS (SELECT 1 FROM sync.documents d WHERE d.scope_id = late.id AND d.id <> late.id);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.note_late_accounts() IS 'Has devices fetch what hung from an account before the account itself arrived.';
CREATE TRIGGER note_late_accounts AFTER INSERT ON public.organizations
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION app.note_late_accounts();
COMMENT ON TRIGGER note_late_accounts ON public.organizations IS 'Devices fetch what hung from an account before it arrived.';

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

-- The scopes of the signed-in user, each query driven by an index on what is theirs rather than by
-- asking the policy about every account. The policy still decides over every row: a query that
-- forgets somebody hides an account, and none can show too much. PL/pgSQL keeps the plans for the
-- session, which is most of the cost of an idle look at the feed.
CREATE FUNCTION sync.visible_scopes() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY INVOKER ROWS 500 AS $$
DECLARE
    me constant uuid := app.current_user_id();
    role constant text := app.current_role_name();
BEGIN
    IF me IS NULL THEN
        RETURN;
    END IF;
    RETURN NEXT '00000000-0000-0000-0000-0000000000e0'::uuid;
    IF role = 'admin' THEN
        RETURN QUERY SELECT o.id FROM public.organizations o;
        RETURN QUERY SELECT u.id FROM public.users u;
        RETURN;
    END IF;
    RETURN NEXT me;
    IF role IN ('manager', 'read_only') THEN
        RETURN QUERY
            SELECT o.id FROM public.organizations o WHERE o.assigned_user_id = me
            UNION SELECT o.id FROM public.organizations o WHERE o.secondary_user_id = me
            UNION SELECT o.id FROM app.managed_users() m JOIN public.organizations o ON o.assigned_user_id = m
            UNION SELECT o.id FROM app.managed_users() m JOIN public.organizations o ON o.secondary_user_id = m
            UNION SELECT o.id FROM app.managed_territories() t JOIN public.organizations o ON o.territory_id = t;
    ELSE
        RETURN QUERY
            SELECT o.id FROM public.organizations o WHERE o.assigned_user_id = me
            UNION SELECT o.id FROM public.organizations o WHERE o.secondary_user_id = me;
    END IF;
END $$;
COMMENT ON FUNCTION sync.visible_scopes() IS 'Accounts that the signed-in user sees, the user, and everyone''s scope; an administrator sees every user''s.';

-- A document is visible exactly when its row is. Again EXISTS, so that reading a few looks up a few.
CREATE POLICY scope_is_visible ON sync.documents FOR SELECT TO authenticated
    USING (
        EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = scope_id)
        OR scope_id = (SELECT app.current_user_id())
        OR scope_id = '00000000-0000-0000-0000-0000000000e0' AND (SELECT app.current_user_id()) IS NOT NULL
        OR (SELECT app.is_admin()) AND EXISTS (SELECT 1 FROM public.users u WHERE u.id = scope_id)
    );
COMMENT ON POLICY scope_is_visible ON sync.documents IS 'A document is visible with what it hangs from.';
CREATE POLICY scope_is_visible ON sync.changes FOR SELECT TO authenticated
    USING (EXISTS (SELECT 1 FROM sync.documents d WHERE d.id = record_id));
COMMENT ON POLICY scope_is_visible ON sync.changes IS 'A change is visible with its document.';
CREATE POLICY scope_is_visible ON sync.conflicts FOR SELECT TO authenticated
    USING (EXISTS (SELECT 1 FROM sync.documents d WHERE d.id = record_id));
COMMENT ON POLICY scope_is_visible ON sync.conflicts IS 'A conflict is visible with its document.';
CREATE POLICY scope_is_visible ON sync.violations FOR SELECT TO authenticated
    USING (EXISTS (SELECT 1 FROM sync.documents d WHERE d.id = record_id));
COMMENT ON POLICY scope_is_visible ON sync.violations IS 'A violation is visible with its document.';
CREATE POLICY own_events ON sync.access_events FOR SELECT TO authenticated
    -- Also a disabled user: it is from here that their device learns to erase everything.
    USING (user_id = (SELECT auth.uid()));
COMMENT ON POLICY own_events ON sync.access_events IS 'Everybody learns of changes of their own access.';
CREATE POLICY devices_of_your_people ON sync.replicas FOR SELECT TO authenticated
    USING (
        user_id = (SELECT app.current_user_id())
        OR (SELECT app.is_admin())
        OR user_id IN (SELECT app.managed_users())
    );
COMMENT ON POLICY devices_of_your_people ON sync.replicas IS 'You see when your own devices and those of your team last synced.';

-- Functions may be called by everybody unless that is taken back. Trigger functions need no grant.
DO $$
DECLARE who text;
BEGIN
    FOREACH who IN ARRAY ARRAY['public', 'anon'] LOOP
        IF who = 'public' OR to_regrole(who) IS NOT NULL THEN
            EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA app, sync FROM %s', who);
        END IF;
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION sync.visible_scopes() TO authenticated, pantry_writer, pantry_server;
