DO $$
DECLARE
    p record;
BEGIN
    FOR p IN
        SELECT schemaname, tablename, policyname FROM pg_policies
        WHERE (schemaname = 'public' AND tablename IN ('organizations', 'contacts', 'opportunities', 'interactions', 'tasks'))
           OR (schemaname = 'sync' AND policyname IN ('scope_is_visible', 'own_events'))
    LOOP
        EXECUTE format('DROP POLICY %I ON %I.%I', p.policyname, p.schemaname, p.tablename);
    END LOOP;
END $$;
DROP FUNCTION sync.visible_scopes();
DROP TRIGGER note_access ON public.users;
DROP FUNCTION app.note_user_access();
DROP TRIGGER note_access ON public.organizations;
DROP FUNCTION app.note_access();
DROP TRIGGER guard_organization ON public.organizations;
DROP FUNCTION app.guard_organization();
