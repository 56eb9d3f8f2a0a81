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
ORDER BY 2, 1
