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
ORDER BY v.last_visit_at NULLS FIRST, o.name, o.id
