-- Reports: views that run as whoever asks, so that the policies decide what they count.

CREATE SCHEMA reports;
COMMENT ON SCHEMA reports IS 'What management asks for, as views; each row counts only what its reader may see.';
GRANT USAGE ON SCHEMA reports TO authenticated;

CREATE VIEW reports.pipeline WITH (security_invoker = true) AS
    SELECT coalesce(t.name, '(none)') AS territory, p.stage::text AS stage, p.estimated_value_currency AS currency,
           count(*) AS deals, sum(p.estimated_value_minor)::bigint AS value_minor,
           sum(p.weighted_value_minor)::bigint AS weighted_minor,
           count(*) FILTER (WHERE p.conflict_count > 0) AS contested
    FROM public.opportunities p
    LEFT JOIN public.organizations o ON o.id = p.organization_id
    LEFT JOIN public.territories t ON t.id = o.territory_id
    WHERE NOT p.is_deleted AND p.stage NOT IN ('closed-won', 'closed-lost')
    GROUP BY 1, p.stage, 3 ORDER BY 1, p.stage, 3;
COMMENT ON VIEW reports.pipeline IS 'Open deals by territory and stage; value in minor units of each currency, weighted by probability.';

CREATE VIEW reports.activity WITH (security_invoker = true) AS
    SELECT coalesce(u.full_name, i.user_id::text) AS rep,
           to_char(i.occurred_at AT TIME ZONE coalesce(u.time_zone, 'UTC'), 'IYYY-"W"IW') AS week,
           i.interaction_type::text AS type, count(*) AS interactions
    FROM public.interactions i LEFT JOIN public.users u ON u.id = i.user_id
    WHERE NOT i.is_deleted AND i.status = 'completed'
    GROUP BY 1, 2, 3 ORDER BY 2 DESC, 1, 3;
COMMENT ON VIEW reports.activity IS 'Completed interactions by rep, ISO week in the rep''s time zone, and type.';

CREATE VIEW reports.overdue_follow_ups WITH (security_invoker = true) AS
    SELECT k.id, k.title, k.due_date,
           (now() AT TIME ZONE coalesce(u.time_zone, 'UTC'))::date - k.due_date AS days_overdue,
           u.full_name AS assignee, o.name AS organization
    FROM public.tasks k
    LEFT JOIN public.users u ON u.id = coalesce(k.assignee_id, k.created_by)
    LEFT JOIN public.organizations o ON o.id = k.organization_id
    WHERE NOT k.is_deleted AND NOT k.is_completed
      AND k.due_date < (now() AT TIME ZONE coalesce(u.time_zone, 'UTC'))::date
    ORDER BY k.due_date, k.id;
COMMENT ON VIEW reports.overdue_follow_ups IS 'Open tasks whose day has passed where their assignee works.';

CREATE VIEW reports.priority_a_not_visited WITH (security_invoker = true) AS
    SELECT o.id, o.name, u.full_name AS rep, max(i.occurred_at) AS last_visit_at
    FROM public.organizations o
    LEFT JOIN public.users u ON u.id = o.assigned_user_id
    LEFT JOIN public.interactions i ON i.organization_id = o.id AND NOT i.is_deleted
         AND i.status = 'completed' AND i.interaction_type IN ('VISIT', 'DEMO')
    WHERE NOT o.is_deleted AND o.priority_level = 'A' AND o.organization_type IN ('prospect', 'customer')
    GROUP BY o.id, o.name, u.full_name
    HAVING max(i.occurred_at) IS NULL OR max(i.occurred_at) < now() - interval '30 days'
    ORDER BY 4 NULLS FIRST, 2;
COMMENT ON VIEW reports.priority_a_not_visited IS 'Priority A accounts without a completed visit or demo for 30 days; never visited ones first.';

CREATE VIEW reports.forecast WITH (security_invoker = true) AS
    SELECT CASE WHEN p.estimated_close_date IS NULL THEN 'no date'
                WHEN p.estimated_close_date < current_date THEN 'past date'
                ELSE to_char(p.estimated_close_date, 'YYYY-MM') END AS month,
           p.estimated_value_currency AS currency, count(*) AS deals,
           sum(p.weighted_value_minor)::bigint AS weighted_minor,
           round(sum(p.cases_per_week * p.probability / 100.0), 1) AS weighted_cases_per_week
    FROM public.opportunities p
    WHERE NOT p.is_deleted AND p.stage NOT IN ('closed-won', 'closed-lost')
    GROUP BY 1, 2 ORDER BY 1, 2;
COMMENT ON VIEW reports.forecast IS 'Open deals by expected month of closing, weighted by probability, in minor units and cases a week; past dates apart.';

GRANT SELECT ON ALL TABLES IN SCHEMA reports TO authenticated;
