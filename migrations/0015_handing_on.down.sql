DROP TRIGGER note_begun ON sync.documents;
DROP FUNCTION app.note_begun();
COMMENT ON POLICY account_must_be_visible ON public.tasks IS 'The account this belongs to is not assigned to you, so you cannot add to it or change it.';
DO $$
DECLARE
    rule text;
    visible constant text := (SELECT pg_get_expr(polqual, polrelid) FROM pg_policy
        WHERE polname = 'follows_its_account' AND polrelid = 'public.tasks'::regclass);
BEGIN
    FOREACH rule IN ARRAY ARRAY['account_must_be_visible', 'account_must_stay_visible'] LOOP
        EXECUTE format('ALTER POLICY %I ON public.tasks WITH CHECK (%s)', rule, visible);
    END LOOP;
END $$;
DROP POLICY yours_to_give ON public.tasks;
DROP FUNCTION app.has_task(uuid);
