-- Tasks. A task that hangs from an account is seen and written with it. One that hangs from none is
-- its assignee's alone: whoever has it may give it to a colleague, as may whoever begins it, and lets go
-- of it by that. Columns as in 0004_organizations.

CREATE TABLE public.tasks (
    id uuid PRIMARY KEY,
    created_at timestamptz,
    created_by uuid,
    title text,
    task_type text,
    priority text,
    reminder_at timestamptz,
    snooze_until timestamptz,
    due_date date,
    assignee_id uuid,
    organization_id uuid,
    contact_id uuid,
    opportunity_id uuid,
    interaction_id uuid,
    description text,
    is_completed boolean,
    completed_at timestamptz,
    completed_by uuid,
    tags text[],
    custom_fields jsonb,
    is_deleted boolean,
    deleted_at timestamptz,
    updated_at timestamptz,
    updated_by uuid,
    conflict_count bigint,
    violation_count bigint
);
COMMENT ON TABLE public.tasks IS 'A follow-up or another thing to do. Deleted ones stay in it: WHERE NOT is_deleted leaves them out.';
SELECT setup.record_table('public.tasks');
SELECT setup.names_people('public.tasks', 'assignee_id');
COMMENT ON COLUMN public.tasks.due_date IS 'When it is due; while contested, the earliest.';
CREATE INDEX tasks_organization ON public.tasks (organization_id);
CREATE INDEX tasks_open ON public.tasks (due_date) WHERE is_completed IS NOT TRUE AND is_deleted IS NOT TRUE;
CREATE INDEX tasks_assignee ON public.tasks (assignee_id, due_date);

CREATE FUNCTION app.may_give_task(task uuid, maker uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me constant uuid := app.current_user_id();
    held boolean;
BEGIN
    SELECT t.organization_id IS NULL AND coalesce(t.assignee_id, t.created_by) = me INTO held FROM public.tasks t WHERE t.id = task;
    RETURN CASE WHEN FOUND THEN coalesce(held, false) ELSE coalesce(maker = me, false) END;
END $$;
COMMENT ON FUNCTION app.may_give_task(uuid, uuid) IS 'Whether a task without an account is the signed-in user''s to give away: theirs as it stands, whatever is being made of it, or begun by them just now.';

-- As setup.follows_its_account makes it for other kinds.
CREATE POLICY follows_its_account ON public.tasks TO authenticated, pantry_writer
    USING (
        EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = tasks.organization_id)
        OR organization_id IS NULL
            AND (coalesce(assignee_id, created_by) = (SELECT app.current_user_id()) OR (SELECT app.is_admin())))
    WITH CHECK ((SELECT app.current_user_id()) IS NOT NULL);
COMMENT ON POLICY follows_its_account ON public.tasks IS 'You see what hangs from the accounts you see, and what hangs from none and is yours.';

-- For writing alone: PostgreSQL asks of the row that an upsert leaves whether its writer sees it.
CREATE POLICY yours_to_give ON public.tasks TO pantry_writer
    USING (organization_id IS NULL AND app.may_give_task(id, created_by));
COMMENT ON POLICY yours_to_give ON public.tasks IS 'A task without an account that is yours, or that you begin, is yours to give to a colleague.';

CREATE POLICY account_must_be_visible ON public.tasks AS RESTRICTIVE FOR INSERT TO pantry_writer
    WITH CHECK (
        EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = tasks.organization_id)
        OR organization_id IS NULL
            AND (coalesce(assignee_id, created_by) = (SELECT app.current_user_id()) OR (SELECT app.is_admin()))
        OR organization_id IS NULL AND app.may_give_task(id, created_by));
COMMENT ON POLICY account_must_be_visible ON public.tasks IS 'The account of this task is not assigned to you, or it has none and is somebody else''s, so you cannot add to it or change it.';

CREATE POLICY account_must_stay_visible ON public.tasks AS RESTRICTIVE FOR UPDATE TO pantry_writer
    USING (true)
    WITH CHECK (
        EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = tasks.organization_id)
        OR organization_id IS NULL
            AND (coalesce(assignee_id, created_by) = (SELECT app.current_user_id()) OR (SELECT app.is_admin()))
        OR organization_id IS NULL AND app.may_give_task(id, created_by));
COMMENT ON POLICY account_must_stay_visible ON public.tasks IS 'The account you move this to is not assigned to you.';

SELECT setup.close_functions();
GRANT EXECUTE ON FUNCTION app.may_give_task(uuid, uuid) TO pantry_writer;
