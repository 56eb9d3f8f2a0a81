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
ORDER BY 1, 2 NULLS LAST
