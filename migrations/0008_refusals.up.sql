-- Rules that say which row they refuse, so that one look finds every culprit of a batch.

-- Policies ask these several times in every statement. PL/pgSQL keeps their plans for the session,
-- where an SQL function with a search path of its own is planned anew at each call.
CREATE OR REPLACE FUNCTION app.current_user_id() RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT id FROM public.users WHERE id = (SELECT auth.uid()) AND is_active);
END $$;
CREATE OR REPLACE FUNCTION app.current_role_name() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT role FROM public.users WHERE id = (SELECT auth.uid()) AND is_active);
END $$;
CREATE OR REPLACE FUNCTION app.is_admin() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(app.current_role_name() = 'admin', false);
END $$;

-- A rule that raises ends the whole statement and names one row. While the server writes many rows
-- it asks the rules to skip the rows they refuse instead, and to note them. A row that is skipped is
-- not written, so that whoever forgets to read the notes has broken no rule.
CREATE FUNCTION app.refuse(record uuid, relation oid, rule text, state text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('pantry.skip_refused', true) = 'on' THEN
        PERFORM set_config('pantry.refused',
            concat_ws(';', nullif(current_setting('pantry.refused', true), ''), concat_ws(',', record, rule, state)), true);
        RETURN;
    END IF;
    RAISE EXCEPTION USING ERRCODE = state, CONSTRAINT = rule, TABLE = relation::regclass::text,
        MESSAGE = (SELECT obj_description(t.oid, 'pg_trigger') FROM pg_trigger t WHERE t.tgrelid = relation AND t.tgname = rule);
END $$;
COMMENT ON FUNCTION app.refuse(uuid, oid, text, text) IS 'Refuses a row for the rule of a trigger, whose comment is what the person concerned reads: raises it, or notes it where pantry.skip_refused is on.';
REVOKE ALL ON FUNCTION app.refuse(uuid, oid, text, text) FROM public;
GRANT EXECUTE ON FUNCTION app.refuse(uuid, oid, text, text) TO pantry_writer;

CREATE OR REPLACE FUNCTION app.check_closing() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT422');
    RETURN NULL;
END $$;

-- An upsert fires BEFORE INSERT for rows that stand already; these are no beginnings.
CREATE FUNCTION app.check_first_stage() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.opportunities WHERE id = NEW.id) THEN
        PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT422');
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION app.check_first_stage() IS 'Refuses a deal that begins as lost without a reason.';
REVOKE ALL ON FUNCTION app.check_first_stage() FROM public;
DROP TRIGGER deals_begin_with_a_reason ON public.opportunities;
CREATE TRIGGER deals_begin_with_a_reason BEFORE INSERT ON public.opportunities
    FOR EACH ROW WHEN (NEW.stage = 'closed-lost' AND coalesce(trim(NEW.close_reason), '') = '')
    EXECUTE FUNCTION app.check_first_stage();
COMMENT ON TRIGGER deals_begin_with_a_reason ON public.opportunities IS 'A lost deal needs a reason; close it again and say why.';

CREATE OR REPLACE FUNCTION app.check_created_type() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.organizations WHERE id = NEW.id)
        AND app.current_role_name() = 'sales_rep' THEN
        PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT403');
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER reps_create_prospects ON public.organizations;
CREATE TRIGGER reps_create_prospects BEFORE INSERT ON public.organizations
    FOR EACH ROW WHEN (NEW.organization_type <> 'prospect')
    EXECUTE FUNCTION app.check_created_type();
COMMENT ON TRIGGER reps_create_prospects ON public.organizations IS 'A sales rep may create prospects only; ask your manager to create a customer, principal or distributor.';

CREATE OR REPLACE FUNCTION app.check_reassignment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Operators come without claims and are let through; readers are refused by their own policy.
    IF app.current_role_name() = 'sales_rep' THEN
        PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT403');
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
