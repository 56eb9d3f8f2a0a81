CREATE OR REPLACE FUNCTION app.people_above(people uuid[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 5 AS $$
    WITH RECURSIVE above AS (
        SELECT u.manager_id AS id FROM public.users u WHERE u.id = ANY (people)
        UNION
        SELECT u.manager_id FROM public.users u JOIN above ON u.id = above.id
    )
    SELECT id FROM above WHERE id IS NOT NULL
$$;
COMMENT ON FUNCTION app.people_above(uuid[]) IS 'Managers of these people, at any height.';
