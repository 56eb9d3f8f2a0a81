below AS (
    SELECT u.id FROM users m JOIN users u ON u.manager_id = m.id
    WHERE m.id = this_user() AND m.is_active AND m.role = 'manager'
    UNION
    SELECT u.id FROM users u JOIN below ON u.manager_id = below.id
),
team AS (
    SELECT u.id, u.id = this_user() AS is_known,
           CASE WHEN u.id = this_user() THEN last_sync() END AS last_sync
    FROM users u
    WHERE u.is_active AND u.role = 'sales_rep'
      AND (u.id = this_user() OR u.id IN (SELECT id FROM below)
           OR EXISTS (SELECT 1 FROM users a WHERE a.id = this_user() AND a.is_active AND a.role = 'admin'))
)
