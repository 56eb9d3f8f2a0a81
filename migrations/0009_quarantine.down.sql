DROP VIEW reports.refused;
DROP TABLE sync.quarantine;
