SELECT k.id, k.title, k.due_date,
       days_between(k.due_date, local_day(now(), coalesce(u.time_zone, 'UTC'))) AS days_overdue,
       u.full_name AS assignee, o.name AS organization
FROM tasks k
LEFT JOIN users u ON u.id = coalesce(k.assignee_id, k.created_by)
LEFT JOIN organizations o ON o.id = k.organization_id
WHERE k.is_deleted IS NOT TRUE AND k.is_completed IS NOT TRUE AND o.is_deleted IS NOT TRUE
  AND k.due_date < local_day(now(), coalesce(u.time_zone, 'UTC'))
ORDER BY k.due_date, k.id
