-- Accounts: the records from which most others hang. Whoever sees an account sees those, too.
--
-- Columns follow the declarations in sync-core/src/schema; a test compares them. Every column but the
-- id may be NULL, because a faulty document must still project. No foreign key joins the records: a
-- child may arrive days before its parent, or its parent may never be seen, and neither may block the
-- edit. The view dangling_references lists what hangs in the air.

CREATE TYPE public.priority_level AS ENUM ('A', 'B', 'C', 'D');
COMMENT ON TYPE public.priority_level IS 'How often to visit, A most often.';
CREATE TABLE public.organizations (
    id uuid PRIMARY KEY,
    created_at timestamptz,
    created_by uuid,
    name text,
    organization_type text,
    industry_segment text,
    business_type text,
    cuisine text,
    website text,
    employee_count bigint,
    account_status_value text,
    account_status_reason text,
    priority_level public.priority_level,
    billing_address_street text,
    billing_address_city text,
    billing_address_state text,
    billing_address_postal_code text,
    billing_address_country text,
    shipping_address_street text,
    shipping_address_city text,
    shipping_address_state text,
    shipping_address_postal_code text,
    shipping_address_country text,
    location_lat double precision,
    location_lng double precision,
    location_accuracy_m double precision,
    parent_organization_id uuid,
    phones text[],
    emails text[],
    distributors uuid[],
    principals uuid[],
    primary_contact_id uuid,
    notes text,
    assigned_user_id uuid,
    secondary_user_id uuid,
    territory_id uuid,
    merged_into uuid,
    needs_review boolean,
    tags text[],
    custom_fields jsonb,
    is_deleted boolean,
    deleted_at timestamptz,
    updated_at timestamptz,
    updated_by uuid,
    conflict_count bigint,
    violation_count bigint
);
COMMENT ON TABLE public.organizations IS 'A company: somebody to sell to (prospect, customer), to sell for (principal), or who delivers (distributor). Deleted ones stay in it: WHERE NOT is_deleted leaves them out.';
SELECT setup.record_table('public.organizations');
SELECT setup.sample_words_of('public.organizations', 'organization_type');
SELECT setup.names_people('public.organizations', 'assigned_user_id', 'secondary_user_id');
COMMENT ON COLUMN public.organizations.assigned_user_id IS 'Who looks after the account; decides who may see it.';
COMMENT ON COLUMN public.organizations.secondary_user_id IS 'Who looks after it besides; decides who may see it.';
COMMENT ON COLUMN public.organizations.territory_id IS 'Where the account lies; its managers and readers may see it.';
COMMENT ON COLUMN public.organizations.merged_into IS 'The record that replaces this one.';

CREATE INDEX organizations_assigned ON public.organizations (assigned_user_id);
CREATE INDEX organizations_secondary ON public.organizations (secondary_user_id) WHERE secondary_user_id IS NOT NULL;
CREATE INDEX organizations_territory ON public.organizations (territory_id) WHERE territory_id IS NOT NULL;
CREATE INDEX organizations_priority ON public.organizations (priority_level) WHERE is_deleted IS NOT TRUE;

-- Search by similar names needs pg_trgm; without it everything but that works. The operator class
-- lives wherever the extension was put; on Supabase that is not public, which has an interface of its
-- own to everybody, but the schema it keeps for extensions.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') THEN
        EXECUTE 'CREATE EXTENSION IF NOT EXISTS pg_trgm'
            || CASE WHEN to_regnamespace('extensions') IS NULL THEN '' ELSE ' SCHEMA extensions' END;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'pg_trgm may not be created by this login; names go without their trigram index';
END $$;
DO $$
DECLARE home text := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm');
BEGIN
    IF home IS NOT NULL THEN
        EXECUTE format('CREATE INDEX organizations_name_trgm ON public.organizations USING gin (name %I.gin_trgm_ops)', home);
    END IF;
END $$;

-- What makes an account yours is asked three times: when seeing, when adding, and of the account as a
-- change leaves it. Change all three together. The scalar sub-selects run once a statement; the sets
-- are hashed once a statement, and only when what stands before them is false.
CREATE POLICY account_is_yours ON public.organizations TO authenticated, pantry_writer
    USING (
        assigned_user_id = (SELECT app.current_user_id())
        OR secondary_user_id = (SELECT app.current_user_id())
        OR (SELECT app.is_admin())
        OR territory_id IN (SELECT app.managed_territories())
        OR assigned_user_id IN (SELECT app.managed_users())
        OR secondary_user_id IN (SELECT app.managed_users()))
    WITH CHECK ((SELECT app.current_user_id()) IS NOT NULL);
COMMENT ON POLICY account_is_yours ON public.organizations IS 'You see an account when it is assigned to you, lies in your territory, or belongs to somebody who reports to you.';

-- For writing alone: what is read is read as another role.
CREATE POLICY grace_after_reassignment ON public.organizations TO pantry_writer
    USING (id IN (SELECT app.graced_accounts()));
COMMENT ON POLICY grace_after_reassignment ON public.organizations IS 'Edits made before you heard that the account was given to somebody else are taken for a while.';

CREATE POLICY account_must_be_yours ON public.organizations AS RESTRICTIVE FOR INSERT TO pantry_writer
    WITH CHECK (
        assigned_user_id = (SELECT app.current_user_id())
        OR secondary_user_id = (SELECT app.current_user_id())
        OR (SELECT app.is_admin())
        OR territory_id IN (SELECT app.managed_territories())
        OR assigned_user_id IN (SELECT app.managed_users())
        OR secondary_user_id IN (SELECT app.managed_users())
        OR id IN (SELECT app.graced_accounts()));
COMMENT ON POLICY account_must_be_yours ON public.organizations IS 'This account is not assigned to you, so you cannot change it; ask your manager to assign it.';

CREATE POLICY account_must_stay_yours ON public.organizations AS RESTRICTIVE FOR UPDATE TO pantry_writer
    USING (true)
    WITH CHECK (
        assigned_user_id = (SELECT app.current_user_id())
        OR secondary_user_id = (SELECT app.current_user_id())
        OR (SELECT app.is_admin())
        OR territory_id IN (SELECT app.managed_territories())
        OR assigned_user_id IN (SELECT app.managed_users())
        OR secondary_user_id IN (SELECT app.managed_users())
        OR id IN (SELECT app.graced_accounts()));
COMMENT ON POLICY account_must_stay_yours ON public.organizations IS 'After this change the account would be out of your reach; ask somebody who manages both sides.';

-- An upsert fires BEFORE INSERT for rows that exist, too, hence the look; the WHEN spares every
-- prospect the call. A word that is not known is NULL here, and no prospect.
CREATE FUNCTION app.check_created_type() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.organizations WHERE id = NEW.id)
        AND app.current_role_name() = 'sales_rep' THEN
        PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT403');
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION app.check_created_type() IS 'Refuses a sales rep who creates anything but a prospect.';
CREATE TRIGGER reps_create_prospects BEFORE INSERT ON public.organizations
    FOR EACH ROW WHEN (NEW.organization_type IS DISTINCT FROM 'prospect')
    EXECUTE FUNCTION app.check_created_type();
COMMENT ON TRIGGER reps_create_prospects ON public.organizations IS 'A sales rep may create prospects only; ask your manager to create a customer, principal or distributor.';

CREATE TRIGGER reps_win_customers BEFORE UPDATE ON public.organizations
    FOR EACH ROW WHEN (
        OLD.organization_type IS DISTINCT FROM NEW.organization_type
        AND (OLD.organization_type, NEW.organization_type) IS DISTINCT FROM ('prospect', 'customer'))
    EXECUTE FUNCTION app.managers_alone();
COMMENT ON TRIGGER reps_win_customers ON public.organizations IS 'A sales rep may make a prospect a customer and change nothing else about what an account is; ask your manager.';

CREATE TRIGGER only_managers_reassign BEFORE UPDATE ON public.organizations
    FOR EACH ROW WHEN (
        (OLD.assigned_user_id, OLD.secondary_user_id, OLD.territory_id)
        IS DISTINCT FROM (NEW.assigned_user_id, NEW.secondary_user_id, NEW.territory_id))
    EXECUTE FUNCTION app.managers_alone();
COMMENT ON TRIGGER only_managers_reassign ON public.organizations IS 'Only a manager may assign an account to somebody else.';

-- Grace is for work on an account, not for giving it away.
CREATE FUNCTION app.check_holding() RETURNS trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT app.sees_account(NEW.id) THEN
        PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT403');
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION app.check_holding() IS 'Refuses to assign an account for whoever may write to it by grace alone.';
-- Only where there is a question of grace: nobody but the server says what a device had seen.
CREATE TRIGGER only_holders_reassign BEFORE UPDATE ON public.organizations
    FOR EACH ROW WHEN (
        coalesce(current_setting('pantry.seen', true), '') <> ''
        AND (OLD.assigned_user_id, OLD.secondary_user_id, OLD.territory_id)
            IS DISTINCT FROM (NEW.assigned_user_id, NEW.secondary_user_id, NEW.territory_id))
    EXECUTE FUNCTION app.check_holding();
COMMENT ON TRIGGER only_holders_reassign ON public.organizations IS 'The account was given to somebody else meanwhile; ask whoever manages it to assign it.';

CREATE TRIGGER only_managers_merge BEFORE UPDATE ON public.organizations
    FOR EACH ROW WHEN (OLD.merged_into IS DISTINCT FROM NEW.merged_into)
    EXECUTE FUNCTION app.managers_alone();
COMMENT ON TRIGGER only_managers_merge ON public.organizations IS 'Only a manager may merge an account into another, or take that back.';

-- Readers are no holders: they have nothing to hand in.
CREATE FUNCTION app.remember_holders() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held constant uuid[] := ARRAY[OLD.assigned_user_id, OLD.secondary_user_id];
BEGIN
    DELETE FROM sync.former_holders WHERE at < now() - (SELECT grace FROM app.settings);
    INSERT INTO sync.former_holders (user_id, account_id, position)
    SELECT u.id, NEW.id, (SELECT last_position + 1 FROM sync.clock)
    FROM app.concerned(held, CASE WHEN OLD.territory_id IS DISTINCT FROM NEW.territory_id THEN ARRAY[OLD.territory_id] END) AS who
    JOIN public.users u ON u.id = who AND (u.role = 'manager' OR u.id = ANY (held))
    ON CONFLICT (user_id, account_id) DO UPDATE SET position = excluded.position, at = excluded.at;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.remember_holders() IS 'Writes down who saw an account up to now, for what their devices did before they heard of the change.';
CREATE TRIGGER remember_holders AFTER UPDATE ON public.organizations
    FOR EACH ROW WHEN (
        (OLD.assigned_user_id, OLD.secondary_user_id, OLD.territory_id)
        IS DISTINCT FROM (NEW.assigned_user_id, NEW.secondary_user_id, NEW.territory_id))
    EXECUTE FUNCTION app.remember_holders();
COMMENT ON TRIGGER remember_holders ON public.organizations IS 'Edits made before a reassignment was heard of are taken for a while.';

-- Whoever loses an account and whoever gains it read the same sentence: to whom it was assigned.
-- Events name persons, never everybody: a reason names the account, and only those who saw it or see
-- it now may read that.
CREATE FUNCTION app.note_reassignment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    next bigint;
    people uuid[] := ARRAY[OLD.assigned_user_id, NEW.assigned_user_id, OLD.secondary_user_id, NEW.secondary_user_id];
    holders constant text := (SELECT string_agg(coalesce(u.full_name, 'a colleague'), ' and ' ORDER BY u.id <> NEW.assigned_user_id)
        FROM public.users u WHERE u.id IN (NEW.assigned_user_id, NEW.secondary_user_id));
BEGIN
    -- The committer holds this lock and moves the clock on in the same transaction, so that the
    -- event is there for everybody whose cursor is older than that commit.
    SELECT last_position + 1 INTO next FROM sync.clock FOR UPDATE;
    INSERT INTO sync.access_events (position, scope_id, user_id, reason)
    SELECT next, NEW.id, who,
        format('The account "%s" was assigned to %s.', left(NEW.name, 60), coalesce(holders, 'nobody'))
    FROM app.concerned(people, CASE WHEN OLD.territory_id IS DISTINCT FROM NEW.territory_id THEN ARRAY[OLD.territory_id, NEW.territory_id] END) AS who;
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

CREATE FUNCTION app.audit_assignment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO sync.audit (user_id, action, record_id, detail)
    VALUES (app.current_user_id(), 'account.assign', NEW.id, jsonb_build_object(
        'from', jsonb_build_object('assigned', OLD.assigned_user_id, 'second', OLD.secondary_user_id, 'territory', OLD.territory_id),
        'to', jsonb_build_object('assigned', NEW.assigned_user_id, 'second', NEW.secondary_user_id, 'territory', NEW.territory_id)));
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.audit_assignment() IS 'Writes down who assigned an account, from whom and to whom; nobody for an operator with the owner''s login.';
CREATE TRIGGER audit_assignment AFTER UPDATE ON public.organizations
    FOR EACH ROW WHEN (
        (OLD.assigned_user_id, OLD.secondary_user_id, OLD.territory_id)
        IS DISTINCT FROM (NEW.assigned_user_id, NEW.secondary_user_id, NEW.territory_id))
    EXECUTE FUNCTION app.audit_assignment();
COMMENT ON TRIGGER audit_assignment ON public.organizations IS 'Every assignment of an account stands in the audit.';

-- After a restore accounts may belong to somebody who joined after the backup and is added again.
CREATE FUNCTION app.note_joining() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM public.organizations o WHERE NEW.id IN (o.assigned_user_id, o.secondary_user_id))
        OR EXISTS (SELECT 1 FROM sync.documents d WHERE d.scope_id = NEW.id)
    THEN
        INSERT INTO sync.access_events (position, scope_id, user_id, reason)
        SELECT NEW.position, NULL::uuid, concerned, 'Your team was changed.'
        FROM (SELECT NEW.id UNION SELECT app.people_above(ARRAY[NEW.id])) AS joined (concerned);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.note_joining() IS 'Has devices fetch what belonged to a person before that person was known.';
CREATE TRIGGER note_joining AFTER INSERT ON public.users
    FOR EACH ROW EXECUTE FUNCTION app.note_joining();
COMMENT ON TRIGGER note_joining ON public.users IS 'Whoever joins may have accounts already, after a restore.';

SELECT setup.close_functions();
