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
DROP TRIGGER only_holders_reassign ON public.organizations;
DROP FUNCTION app.check_holding();
DROP TRIGGER forget_holder ON public.users;
DROP FUNCTION app.forget_holder();
DROP TRIGGER remember_holders ON public.organizations;
DROP FUNCTION app.remember_holders();
DROP FUNCTION app.concerned(uuid[], uuid[]);
DROP FUNCTION app.sees_account(uuid);
DROP FUNCTION app.graced_accounts();
DROP TABLE sync.former_holders;
DROP TABLE app.settings;
