DO $$
DECLARE
    p record;
BEGIN
    FOR p IN
        SELECT schemaname, tablename, policyname FROM pg_policies
        WHERE (schemaname = 'public' AND tablename IN ('organizations', 'contacts', 'opportunities', 'interactions', 'tasks'))
           OR (schemaname = 'sync' AND policyname IN ('scope_is_visible', 'own_events', 'devices_of_your_people'))
    LOOP
        EXECUTE format('DROP POLICY %I ON %I.%I', p.policyname, p.schemaname, p.tablename);
    END LOOP;
END $$;
REVOKE ALL ON public.organizations, public.contacts, public.opportunities, public.interactions, public.tasks FROM authenticated, pantry_writer;
DROP FUNCTION sync.visible_scopes();
DROP TRIGGER note_access ON public.territories;
DROP FUNCTION app.note_territory_access();
DROP TRIGGER note_access ON public.users;
DROP FUNCTION app.note_user_access();
DROP TRIGGER note_late_accounts ON public.organizations;
DROP FUNCTION app.note_late_accounts();
DROP TRIGGER note_reassignment ON public.organizations;
DROP FUNCTION app.note_reassignment();
DROP FUNCTION app.watchers_of(uuid[]);
DROP FUNCTION app.people_above(uuid[]);
DROP TRIGGER only_managers_reassign ON public.organizations;
DROP FUNCTION app.check_reassignment();
DROP TRIGGER reps_create_prospects ON public.organizations;
DROP FUNCTION app.check_created_type();
