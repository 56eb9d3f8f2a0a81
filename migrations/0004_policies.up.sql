-- Who may see and write which records. This is the only place where it is written.

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
        EXECUTE format('CREATE POLICY readers_do_not_write ON public.%I AS RESTRICTIVE FOR INSERT TO pantry_writer WITH CHECK ((SELECT app.role_of_user()) <> ''read_only'')', t);
        EXECUTE format('COMMENT ON POLICY readers_do_not_write ON public.%I IS %L', t, 'Your account may read records but not change them; ask an administrator.');
    END LOOP;
END $$;

-- Organizations. The scalar sub-selects run once a statement, not once a row.
CREATE POLICY account_is_yours ON public.organizations TO authenticated, pantry_writer
    USING (
        assigned_user_id = (SELECT auth.uid()) AND (SELECT app.role_of_user()) IS NOT NULL
        OR secondary_user_id = (SELECT auth.uid()) AND (SELECT app.role_of_user()) IS NOT NULL
        OR (SELECT app.role_of_user()) = 'admin'
        OR territory_id IN (SELECT app.my_territories())
        OR assigned_user_id IN (SELECT app.my_reports())
        OR secondary_user_id IN (SELECT app.my_reports())
    )
    WITH CHECK ((SELECT app.role_of_user()) IS NOT NULL);
COMMENT ON POLICY account_is_yours ON public.organizations IS 'You see an account when it is assigned to you, lies in your territory, or belongs to somebody who reports to you.';
-- Restrictive, because PostgreSQL names only restrictive policies to whoever they refuse.
CREATE POLICY account_must_be_yours ON public.organizations AS RESTRICTIVE FOR INSERT TO pantry_writer
    WITH CHECK (
        assigned_user_id = (SELECT auth.uid())
        OR secondary_user_id = (SELECT auth.uid())
        OR (SELECT app.role_of_user()) = 'admin'
        OR territory_id IN (SELECT app.my_territories())
        OR assigned_user_id IN (SELECT app.my_reports())
        OR secondary_user_id IN (SELECT app.my_reports())
    );
COMMENT ON POLICY account_must_be_yours ON public.organizations IS 'This account is not assigned to you, so you cannot change it; ask your manager to assign it.';

CREATE FUNCTION app.guard_organization() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE role text := app.role_of_user();
BEGIN
    -- Rules for those who write as users; operators and rebuilds come without claims.
    IF role IS NULL OR role IN ('admin', 'manager') THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' AND NEW.organization_type IS DISTINCT FROM 'prospect' THEN
        -- An upsert fires this before it knows of the row that stands there.
        IF NOT EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = NEW.id) THEN
            RAISE EXCEPTION USING ERRCODE = 'PT403', CONSTRAINT = 'reps_create_prospects',
                MESSAGE = 'A sales rep may create prospects only; a manager makes a prospect a customer, principal or distributor.';
        END IF;
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.assigned_user_id, NEW.secondary_user_id, NEW.territory_id)
        IS DISTINCT FROM (OLD.assigned_user_id, OLD.secondary_user_id, OLD.territory_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'PT403', CONSTRAINT = 'only_managers_reassign',
            MESSAGE = 'Only a manager may assign an account to somebody else.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION app.guard_organization() IS 'Rules that compare an account before and after.';
CREATE TRIGGER guard_organization BEFORE INSERT OR UPDATE ON public.organizations
    FOR EACH ROW EXECUTE FUNCTION app.guard_organization();
COMMENT ON TRIGGER guard_organization ON public.organizations IS 'Reps create prospects only; only managers reassign.';

CREATE FUNCTION app.note_access() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    -- The committer holds the clock's row and moves it on in this same transaction.
    next bigint := (SELECT last_position + 1 FROM sync.clock);
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.assigned_user_id, NEW.secondary_user_id, NEW.territory_id)
        IS NOT DISTINCT FROM (OLD.assigned_user_id, OLD.secondary_user_id, OLD.territory_id) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        RETURN NULL;
    END IF;
    -- Whoever manages the people concerned is concerned too, hence everybody above them.
    INSERT INTO sync.access_events (position, scope_id, user_id, reason)
    WITH RECURSIVE concerned AS (
        SELECT unnest(ARRAY[OLD.assigned_user_id, NEW.assigned_user_id, OLD.secondary_user_id, NEW.secondary_user_id]) AS id
        UNION
        SELECT u.manager_id FROM public.users u JOIN concerned c ON u.id = c.id
    )
    SELECT next, NEW.id, id, 'The account "' || coalesce(left(NEW.name, 60), '') || '" was assigned to somebody else.'
    FROM concerned WHERE id IS NOT NULL;
    IF NEW.territory_id IS DISTINCT FROM OLD.territory_id THEN
        INSERT INTO sync.access_events (position, scope_id, user_id, reason)
        SELECT next, NEW.id, u.id, 'An account moved to another territory.'
        FROM public.users u WHERE u.role IN ('manager', 'read_only') AND u.is_active;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.note_access() IS 'Writes down who gains or loses an account, so that devices fetch or erase it.';
CREATE TRIGGER note_access AFTER INSERT OR UPDATE ON public.organizations
    FOR EACH ROW EXECUTE FUNCTION app.note_access();
COMMENT ON TRIGGER note_access ON public.organizations IS 'Devices of those concerned fetch or erase the account.';

CREATE FUNCTION app.note_user_access() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF (NEW.role, NEW.territory_id, NEW.manager_id, NEW.is_active)
        IS NOT DISTINCT FROM (OLD.role, OLD.territory_id, OLD.manager_id, OLD.is_active) THEN
        RETURN NULL;
    END IF;
    INSERT INTO sync.access_events (position, scope_id, user_id, reason)
    SELECT NEW.position, NULL, id, 'Your access was changed.'
    FROM unnest(ARRAY[NEW.id, OLD.manager_id, NEW.manager_id]) AS id WHERE id IS NOT NULL;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.note_user_access() IS 'Writes down that somebody''s view of everything changed.';
CREATE TRIGGER note_access AFTER UPDATE ON public.users
    FOR EACH ROW EXECUTE FUNCTION app.note_user_access();
COMMENT ON TRIGGER note_access ON public.users IS 'A change of role, territory or manager changes what a device may hold.';

-- What hangs from an account follows it: the policy of organizations decides in the sub-select.
DO $$
DECLARE
    t text;
    alone text;
BEGIN
    FOREACH t IN ARRAY ARRAY['contacts', 'opportunities', 'interactions', 'tasks'] LOOP
        alone := CASE t WHEN 'interactions' THEN 'user_id' WHEN 'tasks' THEN 'coalesce(assignee_id, created_by)' ELSE 'created_by' END;
        EXECUTE format($p$
            CREATE POLICY follows_its_account ON public.%1$I TO authenticated, pantry_writer
            USING (
                (SELECT app.role_of_user()) IS NOT NULL AND (
                    organization_id IN (SELECT id FROM public.organizations)
                    OR organization_id IS NULL AND %2$s = (SELECT auth.uid())
                )
            )
            WITH CHECK ((SELECT app.role_of_user()) IS NOT NULL)$p$, t, alone);
        EXECUTE format('COMMENT ON POLICY follows_its_account ON public.%I IS %L', t,
            'You see what hangs from the accounts you see, and what hangs from none and is yours.');
        EXECUTE format($p$
            CREATE POLICY account_must_be_visible ON public.%1$I AS RESTRICTIVE FOR INSERT TO pantry_writer
            WITH CHECK (
                organization_id IN (SELECT id FROM public.organizations)
                OR organization_id IS NULL AND %2$s = (SELECT auth.uid())
            )$p$, t, alone);
        EXECUTE format('COMMENT ON POLICY account_must_be_visible ON public.%I IS %L', t,
            'The account this belongs to is not assigned to you, so you cannot add to it or change it.');
    END LOOP;
END $$;

-- The scopes of the signed-in user, driven from what is theirs rather than filtered from everything.
CREATE FUNCTION sync.visible_scopes() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY INVOKER ROWS 500 AS $$
    SELECT id FROM public.organizations WHERE assigned_user_id = (SELECT auth.uid())
    UNION SELECT id FROM public.organizations WHERE secondary_user_id = (SELECT auth.uid())
    UNION SELECT o.id FROM app.my_reports() r JOIN public.organizations o ON o.assigned_user_id = r
    UNION SELECT o.id FROM app.my_reports() r JOIN public.organizations o ON o.secondary_user_id = r
    UNION SELECT o.id FROM app.my_territories() t JOIN public.organizations o ON o.territory_id = t
    UNION SELECT id FROM public.organizations WHERE (SELECT app.role_of_user()) = 'admin'
    UNION SELECT auth.uid() WHERE (SELECT app.role_of_user()) IS NOT NULL
    UNION SELECT '00000000-0000-0000-0000-0000000000e0'::uuid WHERE (SELECT app.role_of_user()) IS NOT NULL
$$;
COMMENT ON FUNCTION sync.visible_scopes() IS 'Accounts that the signed-in user sees, the user, and everyone''s scope; the policies on organizations still decide over every row.';

CREATE POLICY scope_is_visible ON sync.documents FOR SELECT TO authenticated
    USING (scope_id IN (SELECT sync.visible_scopes()));
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
    USING (user_id = (SELECT auth.uid()) OR user_id IS NULL);
COMMENT ON POLICY own_events ON sync.access_events IS 'Everybody learns of changes of their own access.';
