DO $$
DECLARE
    rule text;
    yours constant text := (SELECT pg_get_expr(polqual, polrelid) FROM pg_policy
        WHERE polname = 'account_is_yours' AND polrelid = 'public.organizations'::regclass);
BEGIN
    FOREACH rule IN ARRAY ARRAY['account_must_be_yours', 'account_must_stay_yours'] LOOP
        EXECUTE format('ALTER POLICY %I ON public.organizations WITH CHECK (%s)', rule, yours);
    END LOOP;
END $$;
DROP POLICY grace_after_reassignment ON public.organizations;
CREATE OR REPLACE FUNCTION app.check_reassignment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF app.current_role_name() = 'sales_rep' THEN
        PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT403');
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER forget_holder ON public.users;
DROP FUNCTION app.forget_holder();
DROP TRIGGER remember_holders ON public.organizations;
DROP FUNCTION app.remember_holders();
DROP FUNCTION app.concerned(uuid[], uuid[]);
DROP FUNCTION app.sees_account(uuid);
DROP FUNCTION app.graced_accounts();
DROP TABLE sync.former_holders;
DROP TABLE app.settings;
