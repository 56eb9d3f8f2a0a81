-- What only managers or administrators may make of a record, whatever carries the change.

CREATE FUNCTION app.managers_alone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Operators come without claims and are let through; readers are refused by their own policy.
    IF app.current_role_name() = 'sales_rep' THEN
        PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT403');
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION app.managers_alone() IS 'Refuses a sales rep.';
CREATE TRIGGER only_managers_merge BEFORE UPDATE ON public.organizations
    FOR EACH ROW WHEN (OLD.merged_into IS DISTINCT FROM NEW.merged_into)
    EXECUTE FUNCTION app.managers_alone();
COMMENT ON TRIGGER only_managers_merge ON public.organizations IS 'Only a manager may merge an account into another, or take that back.';
CREATE TRIGGER only_managers_hand_over BEFORE UPDATE ON public.opportunities
    FOR EACH ROW WHEN (OLD.user_id IS DISTINCT FROM NEW.user_id)
    EXECUTE FUNCTION app.managers_alone();
COMMENT ON TRIGGER only_managers_hand_over ON public.opportunities IS 'Only a manager may give a deal to somebody else.';

-- A record is deleted by a tombstone, which anybody who may write it may set and take back. To erase
-- it, leaving nothing, is another matter.
CREATE FUNCTION app.admins_alone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF auth.uid() IS NOT NULL AND NOT app.is_admin() THEN
        PERFORM app.refuse(OLD.id, TG_RELID, TG_NAME, 'PT403');
        RETURN NULL;
    END IF;
    RETURN OLD;
END $$;
COMMENT ON FUNCTION app.admins_alone() IS 'Refuses whoever is signed in and no administrator.';
REVOKE ALL ON FUNCTION app.managers_alone(), app.admins_alone() FROM public;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['organizations', 'organization_finance', 'contacts', 'opportunities', 'interactions', 'tasks'] LOOP
        EXECUTE format('GRANT DELETE ON public.%I TO pantry_writer', t);
        EXECUTE format('CREATE TRIGGER only_admins_erase BEFORE DELETE ON public.%I FOR EACH ROW EXECUTE FUNCTION app.admins_alone()', t);
        EXECUTE format('COMMENT ON TRIGGER only_admins_erase ON public.%I IS %L', t, 'Only an administrator may erase a record; delete it instead, which can be taken back.');
    END LOOP;
END $$;
