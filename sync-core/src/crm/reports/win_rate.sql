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
ORDER BY 2 DESC, 1, 3 NULLS LAST
