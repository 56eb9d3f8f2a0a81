-- Reports: views that run as whoever asks, so that the policies decide what they count.
--
-- A value that nobody wrote is NULL, so conditions say IS NOT TRUE rather than NOT. What hangs from
-- a deleted account no longer asks for work, but what was done there was done.
--
-- No row can make a report fail for everybody: sums are numeric, which has no end, and a product of two
-- columns is made numeric before.

CREATE VIEW public.dangling_references WITH (security_invoker = true) AS
    SELECT r.child_table, r.child_id, r.reference, r.missing_id
    FROM (
        SELECT 'contacts' AS child_table, id AS child_id, 'organization_id' AS reference, 'organizations' AS parent, organization_id AS missing_id FROM public.contacts
        UNION ALL SELECT 'opportunities', id, 'organization_id', 'organizations', organization_id FROM public.opportunities
        UNION ALL SELECT 'interactions', id, 'organization_id', 'organizations', organization_id FROM public.interactions
        UNION ALL SELECT 'interactions', id, 'opportunity_id', 'opportunities', opportunity_id FROM public.interactions
        UNION ALL SELECT 'interactions', id, 'lead_contact_id', 'contacts', lead_contact_id FROM public.interactions
        UNION ALL SELECT 'tasks', id, 'organization_id', 'organizations', organization_id FROM public.tasks
        UNION ALL SELECT 'tasks', id, 'contact_id', 'contacts', contact_id FROM public.tasks
        UNION ALL SELECT 'tasks', id, 'opportunity_id', 'opportunities', opportunity_id FROM public.tasks
        UNION ALL SELECT 'tasks', id, 'interaction_id', 'interactions', interaction_id FROM public.tasks
        UNION ALL SELECT 'organizations', id, 'parent_organization_id', 'organizations', parent_organization_id FROM public.organizations
        UNION ALL SELECT 'organizations', id, 'primary_contact_id', 'contacts', primary_contact_id FROM public.organizations
        UNION ALL SELECT 'organization_finance', id, 'organization_id', 'organizations', organization_id FROM public.organization_finance
    ) r
    WHERE r.missing_id IS NOT NULL
      AND NOT (r.parent = 'organizations' AND EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = r.missing_id))
      AND NOT (r.parent = 'contacts' AND EXISTS (SELECT 1 FROM public.contacts c WHERE c.id = r.missing_id))
      AND NOT (r.parent = 'opportunities' AND EXISTS (SELECT 1 FROM public.opportunities p WHERE p.id = r.missing_id))
      AND NOT (r.parent = 'interactions' AND EXISTS (SELECT 1 FROM public.interactions i WHERE i.id = r.missing_id));
COMMENT ON VIEW public.dangling_references IS 'References to records that have not arrived, or that are not visible to whoever asks. No foreign key stands in for it, because a child may come before its parent.';
SELECT setup.take_back('public.dangling_references');
GRANT SELECT ON public.dangling_references TO authenticated;

CREATE VIEW public.organization_activity WITH (security_invoker = true) AS
    SELECT o.id AS organization_id, i.last_interaction_at, i.last_visit_at, k.next_follow_up_at,
           coalesce(i.interactions, 0) AS interactions, coalesce(c.contacts, 0) AS contacts,
           coalesce(p.open_opportunities, 0) AS open_opportunities, coalesce(k.open_tasks, 0) AS open_tasks
    FROM public.organizations o
    LEFT JOIN (
        SELECT organization_id, max(coalesce(occurred_at, status_at)) AS last_interaction_at,
               max(coalesce(occurred_at, status_at)) FILTER (WHERE interaction_type IN ('VISIT', 'DEMO')) AS last_visit_at,
               count(*) AS interactions
        FROM public.interactions WHERE is_deleted IS NOT TRUE AND status = 'completed' GROUP BY organization_id
    ) i ON i.organization_id = o.id
    LEFT JOIN (
        SELECT organization_id, min(due_date) AS next_follow_up_at, count(*) AS open_tasks
        FROM public.tasks WHERE is_deleted IS NOT TRUE AND is_completed IS NOT TRUE GROUP BY organization_id
    ) k ON k.organization_id = o.id
    LEFT JOIN (
        SELECT organization_id, count(*) AS contacts
        FROM public.contacts WHERE is_deleted IS NOT TRUE GROUP BY organization_id
    ) c ON c.organization_id = o.id
    LEFT JOIN (
        SELECT organization_id, count(*) AS open_opportunities
        FROM public.opportunities
        WHERE is_deleted IS NOT TRUE AND coalesce(stage NOT IN ('closed-won', 'closed-lost'), true) GROUP BY organization_id
    ) p ON p.organization_id = o.id
    WHERE o.is_deleted IS NOT TRUE;
COMMENT ON VIEW public.organization_activity IS 'What follows for an account from the records that hang from it: last completed interaction and visit, the day of the next open task, and counts.';
SELECT setup.take_back('public.organization_activity');
GRANT SELECT ON public.organization_activity TO authenticated;

CREATE SCHEMA reports;
COMMENT ON SCHEMA reports IS 'What management asks for, as views; each row counts only what its reader may see.';
GRANT USAGE ON SCHEMA reports TO authenticated;

-- What the statements of the reports call. A device has functions of the same names
-- (sync-core/src/replica/store/functions.rs). Their bodies are read here and now, so that no search path of
-- a caller's matters, and the planner sees through them.
CREATE FUNCTION app.local_day(moment timestamptz, zone text) RETURNS date
LANGUAGE sql STABLE RETURN (moment AT TIME ZONE zone)::date;
COMMENT ON FUNCTION app.local_day(timestamptz, text) IS 'The calendar day of a moment in a time zone.';
CREATE FUNCTION app.iso_week(day date) RETURNS text
LANGUAGE sql STABLE RETURN to_char(day, 'IYYY-"W"IW');
COMMENT ON FUNCTION app.iso_week(date) IS 'The ISO week of a day, such as 2026-W09.';
CREATE FUNCTION app.month_of(day date) RETURNS text
LANGUAGE sql STABLE RETURN to_char(day, 'YYYY-MM');
COMMENT ON FUNCTION app.month_of(date) IS 'The month of a day, such as 2026-03.';
CREATE FUNCTION app.quarter_of(day date) RETURNS text
LANGUAGE sql STABLE RETURN to_char(day, 'YYYY-"Q"Q');
COMMENT ON FUNCTION app.quarter_of(date) IS 'The quarter of a day, such as 2026-Q1.';
CREATE FUNCTION app.days_between(earlier date, later date) RETURNS integer
LANGUAGE sql IMMUTABLE RETURN later - earlier;
COMMENT ON FUNCTION app.days_between(date, date) IS 'How many days the second day is after the first.';
CREATE FUNCTION app.days_ago(days integer) RETURNS timestamptz
LANGUAGE sql STABLE RETURN now() - make_interval(hours => 24 * days);
COMMENT ON FUNCTION app.days_ago(integer) IS 'The moment so many times 24 hours ago.';
CREATE FUNCTION app.of_percent(percent numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE RETURN round(percent / 100.0, 1);
COMMENT ON FUNCTION app.of_percent(numeric) IS 'A sum of percentages as a number with one decimal.';
SELECT setup.close_functions();
GRANT EXECUTE ON FUNCTION app.local_day(timestamptz, text), app.iso_week(date), app.month_of(date),
    app.quarter_of(date), app.days_between(date, date), app.days_ago(integer), app.of_percent(numeric) TO authenticated;

-- What a device puts in the place of these it takes from its own tables.
CREATE VIEW reports.team WITH (security_invoker = true) AS
    SELECT u.id, true AS is_known, (SELECT max(r.last_sync) FROM sync.replicas r WHERE r.user_id = u.id) AS last_sync
    FROM public.users u
    WHERE u.is_active AND u.role = 'sales_rep'
      AND (u.id = (SELECT app.current_user_id()) OR (SELECT app.is_admin()) OR u.id IN (SELECT app.managed_users()));
COMMENT ON VIEW reports.team IS 'The reader''s active sales reps, each with their last sync, which the server knows of everybody.';
CREATE VIEW reports.open_conflicts WITH (security_invoker = true) AS
    SELECT count(*) AS n FROM sync.conflicts;
COMMENT ON VIEW reports.open_conflicts IS 'How many fields are contested, in records that the reader sees.';
CREATE VIEW reports.open_violations WITH (security_invoker = true) AS
    SELECT count(*) AS n FROM sync.violations;
COMMENT ON VIEW reports.open_violations IS 'How many values fit no declaration, in records that the reader sees.';

-- Each of the next views is the statement of the same name in sync-core/src/crm/reports, which devices run
-- as well; a test compares the texts. They name tables as a device does, so that these are looked up here.
SET LOCAL search_path = pg_catalog, public, app, reports, pg_temp;

CREATE VIEW reports.pipeline WITH (security_invoker = true) AS
    SELECT coalesce(t.name, '(none)') AS territory, coalesce(CAST(p.stage AS text), '(unknown)') AS stage,
           p.estimated_value_currency AS currency, count(*) AS deals,
           sum(p.estimated_value_minor) AS value_minor,
           sum(p.weighted_value_minor) AS weighted_minor,
           count(*) FILTER (WHERE p.conflict_count > 0) AS contested
    FROM opportunities p
    LEFT JOIN organizations o ON o.id = p.organization_id
    LEFT JOIN territories t ON t.id = o.territory_id
    WHERE p.is_deleted IS NOT TRUE AND o.is_deleted IS NOT TRUE
      AND coalesce(p.stage NOT IN ('closed-won', 'closed-lost'), true)
    GROUP BY t.name, p.stage, p.estimated_value_currency
    ORDER BY 1, CASE p.stage WHEN 'prospecting' THEN 1 WHEN 'qualification' THEN 2
                             WHEN 'proposal' THEN 3 WHEN 'negotiation' THEN 4 ELSE 5 END, 3 NULLS LAST;
COMMENT ON VIEW reports.pipeline IS 'Open deals by territory and stage; value in minor units of each currency, weighted by probability.';

CREATE VIEW reports.activity WITH (security_invoker = true) AS
    SELECT coalesce(u.full_name, CAST(i.user_id AS text), '(nobody)') AS rep,
           iso_week(local_day(coalesce(i.occurred_at, i.status_at), coalesce(u.time_zone, 'UTC'))) AS week,
           coalesce(CAST(i.interaction_type AS text), '(unknown)') AS type, count(*) AS interactions
    FROM interactions i
    LEFT JOIN users u ON u.id = i.user_id
    WHERE i.is_deleted IS NOT TRUE AND i.status = 'completed'
    -- By person and not by name: two people may share one.
    GROUP BY i.user_id, u.full_name, 2, i.interaction_type
    ORDER BY 2 DESC NULLS LAST, 1, 3;
COMMENT ON VIEW reports.activity IS 'Completed interactions by rep, ISO week in the rep''s time zone, and type.';

CREATE VIEW reports.overdue_follow_ups WITH (security_invoker = true) AS
    SELECT k.id, k.title, k.due_date,
           days_between(k.due_date, local_day(now(), coalesce(u.time_zone, 'UTC'))) AS days_overdue,
           u.full_name AS assignee, o.name AS organization
    FROM tasks k
    LEFT JOIN users u ON u.id = coalesce(k.assignee_id, k.created_by)
    LEFT JOIN organizations o ON o.id = k.organization_id
    WHERE k.is_deleted IS NOT TRUE AND k.is_completed IS NOT TRUE AND o.is_deleted IS NOT TRUE
      AND k.due_date < local_day(now(), coalesce(u.time_zone, 'UTC'))
    ORDER BY k.due_date, k.id;
COMMENT ON VIEW reports.overdue_follow_ups IS 'Open tasks whose day has passed where their assignee works.';

CREATE VIEW reports.priority_a_not_visited WITH (security_invoker = true) AS
    SELECT o.id, o.name, u.full_name AS rep, v.last_visit_at
    FROM organizations o
    LEFT JOIN users u ON u.id = o.assigned_user_id
    LEFT JOIN (
        SELECT organization_id, max(coalesce(occurred_at, status_at)) AS last_visit_at
        FROM interactions
        WHERE is_deleted IS NOT TRUE AND status = 'completed' AND interaction_type IN ('VISIT', 'DEMO')
        GROUP BY organization_id
    ) v ON v.organization_id = o.id
    WHERE o.is_deleted IS NOT TRUE AND o.merged_into IS NULL
      AND o.priority_level = 'A' AND o.organization_type IN ('prospect', 'customer')
      AND (v.last_visit_at IS NULL OR v.last_visit_at < days_ago(30))
    ORDER BY v.last_visit_at NULLS FIRST, o.name, o.id;
COMMENT ON VIEW reports.priority_a_not_visited IS 'Priority A accounts without a completed visit or demo for 30 days; never visited ones first.';

CREATE VIEW reports.forecast WITH (security_invoker = true) AS
    SELECT CASE WHEN p.estimated_close_date IS NULL THEN 'no date'
                WHEN p.estimated_close_date < local_day(now(), coalesce(u.time_zone, 'UTC')) THEN 'past date'
                ELSE month_of(p.estimated_close_date) END AS month,
           p.estimated_value_currency AS currency, count(*) AS deals,
           sum(p.weighted_value_minor) AS weighted_minor,
           of_percent(sum(CAST(p.cases_per_week AS numeric) * p.probability)) AS weighted_cases_per_week
    FROM opportunities p
    LEFT JOIN organizations o ON o.id = p.organization_id
    LEFT JOIN users u ON u.id = p.user_id
    WHERE p.is_deleted IS NOT TRUE AND o.is_deleted IS NOT TRUE
      AND coalesce(p.stage NOT IN ('closed-won', 'closed-lost'), true)
    GROUP BY 1, 2
    ORDER BY 1, 2 NULLS LAST;
COMMENT ON VIEW reports.forecast IS 'Open deals by expected month of closing, weighted by probability, in minor units and cases a week; past dates apart.';

CREATE VIEW reports.win_rate WITH (security_invoker = true) AS
    SELECT coalesce(u.full_name, CAST(p.user_id AS text), '(nobody)') AS rep,
           quarter_of(p.actual_close_date) AS quarter, p.estimated_value_currency AS currency,
           count(*) FILTER (WHERE p.stage = 'closed-won') AS won,
           count(*) FILTER (WHERE p.stage = 'closed-lost') AS lost,
           sum(p.estimated_value_minor) FILTER (WHERE p.stage = 'closed-won') AS won_minor,
           sum(p.estimated_value_minor) FILTER (WHERE p.stage = 'closed-lost') AS lost_minor
    FROM opportunities p
    LEFT JOIN organizations o ON o.id = p.organization_id
    LEFT JOIN users u ON u.id = p.user_id
    WHERE p.is_deleted IS NOT TRUE AND o.is_deleted IS NOT TRUE
      AND p.stage IN ('closed-won', 'closed-lost') AND p.stage_disputed IS NOT TRUE
      AND p.actual_close_date IS NOT NULL
    GROUP BY p.user_id, u.full_name, 2, p.estimated_value_currency
    ORDER BY 2 DESC, 1, 3 NULLS LAST;
COMMENT ON VIEW reports.win_rate IS 'Won and lost deals by rep, quarter of closing and currency; those that are won and lost at once are left out.';

CREATE VIEW reports.coverage WITH (security_invoker = true) AS
    SELECT coalesce(u.full_name, CAST(o.assigned_user_id AS text), '(nobody)') AS rep,
           t.priority, t.target_days, count(*) AS accounts,
           count(*) FILTER (WHERE v.last_visit_at >= days_ago(t.target_days)) AS visited
    FROM organizations o
    JOIN (
        SELECT 'A' AS priority, 30 AS target_days UNION ALL SELECT 'B', 60
        UNION ALL SELECT 'C', 90 UNION ALL SELECT 'D', 180
    ) t ON t.priority = CAST(o.priority_level AS text)
    LEFT JOIN users u ON u.id = o.assigned_user_id
    LEFT JOIN (
        SELECT organization_id, max(coalesce(occurred_at, status_at)) AS last_visit_at
        FROM interactions
        WHERE is_deleted IS NOT TRUE AND status = 'completed' AND interaction_type IN ('VISIT', 'DEMO')
        GROUP BY organization_id
    ) v ON v.organization_id = o.id
    WHERE o.is_deleted IS NOT TRUE AND o.merged_into IS NULL
      AND o.organization_type IN ('prospect', 'customer')
    GROUP BY o.assigned_user_id, u.full_name, t.priority, t.target_days
    ORDER BY 2, 1;
COMMENT ON VIEW reports.coverage IS 'Accounts by rep and priority, and how many of them had a visit or demo within the days that the priority sets.';

CREATE VIEW reports.reps WITH (security_invoker = true) AS
    SELECT u.id, u.full_name AS rep, a.accounts, a.a_accounts, a.a_seen,
           coalesce(i.visits, 0) AS visits, coalesce(k.overdue, 0) AS overdue, coalesce(p.open_deals, 0) AS open_deals
    FROM users u
    JOIN (
        SELECT o.assigned_user_id AS user_id, count(*) AS accounts,
               count(*) FILTER (WHERE o.priority_level = 'A') AS a_accounts,
               count(*) FILTER (WHERE o.priority_level = 'A' AND v.last_visit_at >= days_ago(30)) AS a_seen
        FROM organizations o
        LEFT JOIN (
            SELECT organization_id, max(coalesce(occurred_at, status_at)) AS last_visit_at
            FROM interactions
            WHERE is_deleted IS NOT TRUE AND status = 'completed' AND interaction_type IN ('VISIT', 'DEMO')
            GROUP BY organization_id
        ) v ON v.organization_id = o.id
        WHERE o.is_deleted IS NOT TRUE AND o.merged_into IS NULL
        GROUP BY o.assigned_user_id
    ) a ON a.user_id = u.id
    LEFT JOIN (
        SELECT user_id, count(*) AS visits
        FROM interactions
        WHERE is_deleted IS NOT TRUE AND status = 'completed' AND interaction_type IN ('VISIT', 'DEMO')
          AND coalesce(occurred_at, status_at) >= days_ago(7)
        GROUP BY user_id
    ) i ON i.user_id = u.id
    LEFT JOIN (
        SELECT coalesce(k.assignee_id, k.created_by) AS user_id, count(*) AS overdue
        FROM tasks k
        LEFT JOIN organizations o ON o.id = k.organization_id
        LEFT JOIN users w ON w.id = coalesce(k.assignee_id, k.created_by)
        WHERE k.is_deleted IS NOT TRUE AND k.is_completed IS NOT TRUE AND o.is_deleted IS NOT TRUE
          AND k.due_date < local_day(now(), coalesce(w.time_zone, 'UTC'))
        GROUP BY 1
    ) k ON k.user_id = u.id
    LEFT JOIN (
        SELECT p.user_id, count(*) AS open_deals
        FROM opportunities p
        LEFT JOIN organizations o ON o.id = p.organization_id
        WHERE p.is_deleted IS NOT TRUE AND o.is_deleted IS NOT TRUE
          AND coalesce(p.stage NOT IN ('closed-won', 'closed-lost'), true)
        GROUP BY p.user_id
    ) p ON p.user_id = u.id
    WHERE u.is_active AND u.role = 'sales_rep'
    ORDER BY 2, 1;
COMMENT ON VIEW reports.reps IS 'Active sales reps with accounts: how many, how many of priority A were visited within 30 days, visits of the last 7 days, overdue tasks and open deals.';

CREATE VIEW reports.trust WITH (security_invoker = true) AS
    SELECT count(*) AS reps,
           CASE WHEN count(*) FILTER (WHERE NOT is_known) = 0
                THEN count(*) FILTER (WHERE last_sync >= days_ago(1)) END AS reps_synced_24h,
           CASE WHEN count(*) FILTER (WHERE NOT is_known) = 0
                THEN count(*) FILTER (WHERE last_sync IS NULL) END AS reps_never_synced,
           CASE WHEN count(*) FILTER (WHERE NOT is_known) = 0 THEN min(last_sync) END AS oldest_sync,
           (SELECT n FROM open_conflicts) AS open_conflicts,
           (SELECT n FROM open_violations) AS open_violations
    FROM team;
COMMENT ON VIEW reports.trust IS 'How far to trust the numbers: how many of the reader''s reps synced within 24 hours, the oldest last sync among them, and what is contested.';

RESET search_path;

CREATE VIEW reports.refused WITH (security_invoker = true) AS
    SELECT u.full_name AS rep, q.refused_at, q.claimed_at AS made_at, q.kind, q.record_id AS record,
           q.edit, q.code, q.policy, q.sentence
    FROM sync.quarantine q JOIN public.users u ON u.id = q.author
    ORDER BY q.refused_at DESC, q.claimed_at DESC, q.hash;
COMMENT ON VIEW reports.refused IS 'Edits that were refused, of the reader and of those who report to the reader, newest first.';

GRANT SELECT ON ALL TABLES IN SCHEMA reports TO authenticated;
