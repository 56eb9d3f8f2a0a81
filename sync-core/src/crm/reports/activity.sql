SELECT coalesce(u.full_name, CAST(i.user_id AS text), '(nobody)') AS rep,
       iso_week(local_day(coalesce(i.occurred_at, i.status_at), coalesce(u.time_zone, 'UTC'))) AS week,
       coalesce(CAST(i.interaction_type AS text), '(unknown)') AS type, count(*) AS interactions
FROM interactions i
LEFT JOIN users u ON u.id = i.user_id
WHERE i.is_deleted IS NOT TRUE AND i.status = 'completed'
-- By person and not by name: two people may share one.
GROUP BY i.user_id, u.full_name, 2, i.interaction_type
ORDER BY 2 DESC NULLS LAST, 1, 3
