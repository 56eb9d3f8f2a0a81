DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['organizations', 'organization_finance', 'contacts', 'opportunities', 'interactions', 'tasks'] LOOP
        EXECUTE format('DROP TRIGGER only_admins_erase ON public.%I', t);
        EXECUTE format('REVOKE DELETE ON public.%I FROM pantry_writer', t);
    END LOOP;
END $$;
DROP FUNCTION app.admins_alone();
DROP TRIGGER only_managers_hand_over ON public.opportunities;
DROP TRIGGER only_managers_merge ON public.organizations;
DROP FUNCTION app.managers_alone();
