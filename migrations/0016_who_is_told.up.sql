-- Whoever merely stands above somebody in the list of people, as a manager who became a sales rep
-- does until the team is given to another, sees nothing of the team's accounts and is not told of them.

CREATE OR REPLACE FUNCTION app.people_above(people uuid[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 5 AS $$
    WITH RECURSIVE above AS (
        SELECT u.manager_id AS id FROM public.users u WHERE u.id = ANY (people)
        UNION
        SELECT u.manager_id FROM public.users u JOIN above ON u.id = above.id
    )
    SELECT u.id FROM above JOIN public.users u ON u.id = above.id WHERE u.role = 'manager'
$$;
COMMENT ON FUNCTION app.people_above(uuid[]) IS 'Managers of these people, at any height; as app.managed_users, only those whose role that is.';
