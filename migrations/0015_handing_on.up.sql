-- A task that hangs from no account is its assignee's alone. Whoever has it, or made it, may give it
-- to a colleague, and lets go of it by that.

CREATE FUNCTION app.has_task(task uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT 1 FROM public.tasks t WHERE t.id = task AND t.organization_id IS NULL
          AND coalesce(t.assignee_id, t.created_by) = (SELECT app.current_user_id()));
END $$;
COMMENT ON FUNCTION app.has_task(uuid) IS 'Whether a task without an account is the signed-in user''s as it stands, whatever is being made of it.';
REVOKE ALL ON FUNCTION app.has_task(uuid) FROM public;
GRANT EXECUTE ON FUNCTION app.has_task(uuid) TO pantry_writer;

-- For writing alone: PostgreSQL asks of the row that an upsert leaves whether its writer sees it.
DO $$
DECLARE
    rule text;
    yours constant text := 'organization_id IS NULL AND (created_by = (SELECT app.current_user_id()) OR app.has_task(id))';
BEGIN
    EXECUTE format('CREATE POLICY yours_to_give ON public.tasks TO pantry_writer USING (%s)', yours);
    FOREACH rule IN ARRAY ARRAY['account_must_be_visible', 'account_must_stay_visible'] LOOP
        EXECUTE format('ALTER POLICY %I ON public.tasks WITH CHECK (%s OR %s)', rule,
            (SELECT pg_get_expr(polwithcheck, polrelid) FROM pg_policy WHERE polname = rule AND polrelid = 'public.tasks'::regclass), yours);
    END LOOP;
END $$;
COMMENT ON POLICY yours_to_give ON public.tasks IS 'A task without an account that is yours, or that you made, is yours to give to a colleague.';
COMMENT ON POLICY account_must_be_visible ON public.tasks IS 'The account of this task is not assigned to you, or it has none and is somebody else''s, so you cannot add to it or change it.';

-- Whoever begins a record holds it until the server has it, and need not see it any more by then: a
-- task for a colleague, the finances of an account that went to another team meanwhile. What hangs
-- from an account goes with the account; these do not.
CREATE FUNCTION app.note_begun() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO sync.moves (position, record_id, from_scope)
    SELECT NEW.position, NEW.id, begun.created_by
    FROM (
        SELECT t.created_by FROM public.tasks t WHERE t.id = NEW.id AND t.organization_id IS NULL
        UNION ALL SELECT f.created_by FROM public.organization_finance f WHERE f.id = NEW.id
    ) AS begun
    WHERE begun.created_by <> NEW.scope_id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.note_begun() IS 'Has the device of whoever began a record erase it, if its user does not see it.';
REVOKE ALL ON FUNCTION app.note_begun() FROM public;
CREATE TRIGGER note_begun AFTER INSERT ON sync.documents
    FOR EACH ROW WHEN (NEW.kind IN ('task', 'organization_finance'))
    EXECUTE FUNCTION app.note_begun();
COMMENT ON TRIGGER note_begun ON sync.documents IS 'Devices erase what their users began and do not see.';
