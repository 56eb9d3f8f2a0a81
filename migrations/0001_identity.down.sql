-- Roles stay: they belong to the cluster, and another database may use them.
DROP TABLE public.users;
DROP TABLE public.territories;
DROP SCHEMA sync CASCADE;
DROP SCHEMA app CASCADE;
DO $$
BEGIN
    IF obj_description(to_regnamespace('auth'), 'pg_namespace') LIKE 'Made for Kitchen Pantry%' THEN
        DROP SCHEMA auth CASCADE;
    END IF;
END $$;
