DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['organization_finance', 'contacts', 'opportunities', 'interactions', 'tasks'] LOOP
        EXECUTE format('DROP TRIGGER grace_takes_nothing_away ON public.%I', t);
    END LOOP;
END $$;
DROP FUNCTION app.check_leaving();
