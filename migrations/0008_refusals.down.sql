DROP TRIGGER deals_begin_with_a_reason ON public.opportunities;
DROP TRIGGER reps_create_prospects ON public.organizations;
DROP FUNCTION app.check_first_stage();
CREATE OR REPLACE FUNCTION app.check_closing() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'PT422', CONSTRAINT = 'closed_deals_need_a_reason',
        SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
        MESSAGE = 'A lost deal needs a reason; close it again and say why.';
END $$;
CREATE OR REPLACE FUNCTION app.check_created_type() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF app.current_role_name() = 'sales_rep' THEN
        RAISE EXCEPTION USING ERRCODE = 'PT403', CONSTRAINT = 'reps_create_prospects',
            SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
            MESSAGE = 'A sales rep may create prospects only; ask your manager to create a customer, principal or distributor.';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION app.check_reassignment() RETURNS trigger
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
CREATE TRIGGER reps_create_prospects AFTER INSERT ON public.organizations
    FOR EACH ROW WHEN (NEW.organization_type <> 'prospect')
    EXECUTE FUNCTION app.check_created_type();
COMMENT ON TRIGGER reps_create_prospects ON public.organizations IS 'A sales rep may create prospects only; ask your manager to create a customer, principal or distributor.';
CREATE TRIGGER deals_begin_with_a_reason AFTER INSERT ON public.opportunities
    FOR EACH ROW WHEN (NEW.stage = 'closed-lost' AND coalesce(trim(NEW.close_reason), '') = '')
    EXECUTE FUNCTION app.check_closing();
COMMENT ON TRIGGER deals_begin_with_a_reason ON public.opportunities IS 'A lost deal needs a reason; close it again and say why.';
DROP FUNCTION app.refuse(uuid, oid, text, text);
CREATE OR REPLACE FUNCTION app.current_user_id() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT id FROM public.users WHERE id = (SELECT auth.uid()) AND is_active
$$;
CREATE OR REPLACE FUNCTION app.current_role_name() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT role FROM public.users WHERE id = (SELECT auth.uid()) AND is_active
$$;
CREATE OR REPLACE FUNCTION app.is_admin() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(app.current_role_name() = 'admin', false)
$$;
