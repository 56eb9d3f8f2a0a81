-- Grace is for adding to an account, not for taking from it: whoever moved a contact out of an account
-- that they hold no longer would take it from the next holder, and would read what that one wrote.

CREATE FUNCTION app.check_leaving() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.organization_id IN (SELECT app.graced_accounts()) AND NOT app.sees_account(OLD.organization_id) THEN
        PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT403');
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION app.check_leaving() IS 'Refuses to move what hangs from an account to another place for whoever may write to that account by grace alone.';
REVOKE ALL ON FUNCTION app.check_leaving() FROM public;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['organization_finance', 'contacts', 'opportunities', 'interactions', 'tasks'] LOOP
        EXECUTE format('CREATE TRIGGER grace_takes_nothing_away BEFORE UPDATE ON public.%I FOR EACH ROW
            WHEN (coalesce(current_setting(''pantry.seen'', true), '''') <> '''' AND OLD.organization_id IS DISTINCT FROM NEW.organization_id) EXECUTE FUNCTION app.check_leaving()', t);
        EXECUTE format('COMMENT ON TRIGGER grace_takes_nothing_away ON public.%I IS %L', t,
            'The account this belongs to was given to somebody else, so you cannot move it away from there; ask your manager.');
    END LOOP;
END $$;
