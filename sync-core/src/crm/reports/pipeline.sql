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
                         WHEN 'proposal' THEN 3 WHEN 'negotiation' THEN 4 ELSE 5 END, 3 NULLS LAST
