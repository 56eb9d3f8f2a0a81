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
ORDER BY 2, 1
