-- Who gave which account to whom, written down wherever the assignment came from.

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
REVOKE ALL ON FUNCTION app.audit_assignment() FROM public;
CREATE TRIGGER audit_assignment AFTER UPDATE ON public.organizations
    FOR EACH ROW WHEN (
        (OLD.assigned_user_id, OLD.secondary_user_id, OLD.territory_id)
        IS DISTINCT FROM (NEW.assigned_user_id, NEW.secondary_user_id, NEW.territory_id))
    EXECUTE FUNCTION app.audit_assignment();
COMMENT ON TRIGGER audit_assignment ON public.organizations IS 'Every assignment of an account stands in the audit.';
