-- An account's finances: a record of its own, which managers and administrators see and reps do not.
--
-- Its document hangs from itself. Hanging from the account it would be shown to everybody who sees
-- the account, and a document cannot be shown in part: its history is one.

CREATE TABLE public.organization_finance (
    id uuid PRIMARY KEY,
    created_at timestamptz,
    created_by uuid,
    organization_id uuid,
    annual_revenue_minor bigint,
    annual_revenue_currency text,
    credit_limit_minor bigint,
    credit_limit_currency text,
    payment_terms text,
    tax_id text,
    tags text[],
    custom_fields jsonb,
    is_deleted boolean,
    deleted_at timestamptz,
    updated_at timestamptz,
    updated_by uuid,
    conflict_count bigint,
    violation_count bigint
);
COMMENT ON TABLE public.organization_finance IS 'What an account earns, owes and how it pays; for the managers who see the account, and administrators. An account may have several, since two managers may each begin one offline; account_finances shows one. Deleted ones stay in it: WHERE NOT is_deleted leaves them out.';
SELECT setup.record_table('public.organization_finance');
COMMENT ON COLUMN public.organization_finance.organization_id IS 'The account whose finances these are. It need not have arrived.';
COMMENT ON COLUMN public.organization_finance.annual_revenue_minor IS 'In minor units of the currency beside it; while contested, the lower.';
COMMENT ON COLUMN public.organization_finance.credit_limit_minor IS 'In minor units of the currency beside it; while contested, the lower.';
COMMENT ON COLUMN public.organization_finance.payment_terms IS 'net_30, net_60, net_90, cod, prepaid or 2_10_net_30.';
COMMENT ON COLUMN public.organization_finance.tax_id IS 'Its number with the tax office.';
CREATE INDEX organization_finance_organization ON public.organization_finance (organization_id);

-- An administrator sees also those whose account is not there: somebody must.
CREATE POLICY managers_see_finances ON public.organization_finance TO authenticated, pantry_writer
    USING (
        (SELECT app.is_admin())
        OR (SELECT app.current_role_name()) = 'manager'
            AND EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = organization_finance.organization_id))
    WITH CHECK ((SELECT app.current_user_id()) IS NOT NULL);
COMMENT ON POLICY managers_see_finances ON public.organization_finance IS 'Managers see the finances of the accounts they see, administrators those of all.';

-- Costs nothing a row, so that PostgreSQL asks it first: whoever may send SQL would otherwise learn by a
-- comparison, which it may make before it asks a policy, whether some hidden row is above a limit. Nobody's
-- claims are those of the server's own logins, which may become anybody.
CREATE POLICY finances_are_for_managers ON public.organization_finance AS RESTRICTIVE FOR SELECT TO authenticated
    USING ((SELECT (SELECT app.current_user_id()) IS NULL OR (SELECT app.current_role_name()) IN ('manager', 'admin')));
COMMENT ON POLICY finances_are_for_managers ON public.organization_finance IS 'Only managers see an account''s finances.';

-- PostgreSQL asks restrictive policies in the order of their names. These two come first, so that a rep
-- is not sent to have the account assigned, which would not help.
CREATE POLICY account_finances_are_for_managers ON public.organization_finance AS RESTRICTIVE FOR INSERT TO pantry_writer
    WITH CHECK ((SELECT app.current_role_name()) IN ('manager', 'admin'));
COMMENT ON POLICY account_finances_are_for_managers ON public.organization_finance IS 'Only managers see and change an account''s finances; ask your manager to enter this.';
CREATE POLICY account_finances_stay_with_managers ON public.organization_finance AS RESTRICTIVE FOR UPDATE TO pantry_writer
    USING ((SELECT app.current_role_name()) IN ('manager', 'admin'));
COMMENT ON POLICY account_finances_stay_with_managers ON public.organization_finance IS 'Only managers see and change an account''s finances; ask your manager to enter this.';
CREATE POLICY account_must_be_visible ON public.organization_finance AS RESTRICTIVE FOR INSERT TO pantry_writer
    WITH CHECK (EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = organization_finance.organization_id));
COMMENT ON POLICY account_must_be_visible ON public.organization_finance IS 'The account these finances belong to is not in your territory or your team, so you cannot add or change them.';
CREATE POLICY account_must_stay_visible ON public.organization_finance AS RESTRICTIVE FOR UPDATE TO pantry_writer
    USING (true) WITH CHECK (EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = organization_finance.organization_id));
COMMENT ON POLICY account_must_stay_visible ON public.organization_finance IS 'The account you move these finances to is not in your territory or your team.';

-- Events for managers alone: a rep is not told that there are finances. Whoever becomes or ceases to
-- be a manager looks at everything anew.
CREATE FUNCTION app.note_finance_reassignment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    next bigint;
    people uuid[] := ARRAY[OLD.assigned_user_id, NEW.assigned_user_id, OLD.secondary_user_id, NEW.secondary_user_id];
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.organization_finance WHERE organization_id = NEW.id) THEN
        RETURN NULL;
    END IF;
    -- As for the account itself: locked, so that no feed passes this position without the event.
    SELECT last_position + 1 INTO next FROM sync.clock FOR UPDATE;
    INSERT INTO sync.access_events (position, scope_id, user_id, reason)
    SELECT next, f.id, u.id, 'The finances of the account "' || coalesce(left(NEW.name, 60), '') || '" went with it.'
    FROM app.concerned(people, CASE WHEN OLD.territory_id IS DISTINCT FROM NEW.territory_id THEN ARRAY[OLD.territory_id, NEW.territory_id] END) AS who
    JOIN public.users u ON u.id = who AND u.role = 'manager'
    CROSS JOIN public.organization_finance f
    WHERE f.organization_id = NEW.id;
    PERFORM pg_notify('pantry_feed', '');
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.note_finance_reassignment() IS 'Writes down which managers gain or lose an account''s finances with it, so that devices fetch or erase them.';
CREATE TRIGGER note_finance_reassignment AFTER UPDATE ON public.organizations
    FOR EACH ROW WHEN (
        (OLD.assigned_user_id, OLD.secondary_user_id, OLD.territory_id)
        IS DISTINCT FROM (NEW.assigned_user_id, NEW.secondary_user_id, NEW.territory_id))
    EXECUTE FUNCTION app.note_finance_reassignment();
COMMENT ON TRIGGER note_finance_reassignment ON public.organizations IS 'Devices of the managers concerned fetch or erase the account''s finances.';

CREATE FUNCTION app.note_late_finances() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO sync.access_events (position, scope_id, user_id, reason)
    SELECT (SELECT last_position + 1 FROM sync.clock), f.id, u.id, 'The account "' || coalesce(left(late.name, 60), '') || '" arrived.'
    FROM added late
    JOIN public.organization_finance f ON f.organization_id = late.id
    CROSS JOIN LATERAL app.concerned(ARRAY[late.assigned_user_id, late.secondary_user_id], ARRAY[late.territory_id]) AS who
    JOIN public.users u ON u.id = who AND u.role = 'manager';
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.note_late_finances() IS 'Has managers'' devices fetch finances that came before their account.';
CREATE TRIGGER note_late_finances AFTER INSERT ON public.organizations
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION app.note_late_finances();
COMMENT ON TRIGGER note_late_finances ON public.organizations IS 'Managers'' devices fetch finances that came before their account.';

-- Of several, the one with the smallest id, which is the same for everybody at any time.
CREATE VIEW public.account_finances WITH (security_invoker = true) AS
    SELECT DISTINCT ON (f.organization_id)
           f.organization_id, o.name AS organization, f.id,
           f.annual_revenue_minor, f.annual_revenue_currency, f.credit_limit_minor, f.credit_limit_currency,
           f.payment_terms, f.tax_id, f.conflict_count > 0 AS contested,
           count(*) OVER (PARTITION BY f.organization_id) AS records
    FROM public.organization_finance f JOIN public.organizations o ON o.id = f.organization_id
    WHERE f.is_deleted IS NOT TRUE
    ORDER BY f.organization_id, f.id;
COMMENT ON VIEW public.account_finances IS 'The finances of each account that has any. Where two managers each began a record, the older one, with the number of records; delete those that are too many.';
SELECT setup.take_back('public.account_finances');
GRANT SELECT ON public.account_finances TO authenticated;

SELECT setup.close_functions();
