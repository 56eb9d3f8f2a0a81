SELECT count(*) AS reps,
       CASE WHEN count(*) FILTER (WHERE NOT is_known) = 0
            THEN count(*) FILTER (WHERE last_sync >= days_ago(1)) END AS reps_synced_24h,
       CASE WHEN count(*) FILTER (WHERE NOT is_known) = 0
            THEN count(*) FILTER (WHERE last_sync IS NULL) END AS reps_never_synced,
       CASE WHEN count(*) FILTER (WHERE NOT is_known) = 0 THEN min(last_sync) END AS oldest_sync,
       (SELECT n FROM open_conflicts) AS open_conflicts,
       (SELECT n FROM open_violations) AS open_violations
FROM team
