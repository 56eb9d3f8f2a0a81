DROP TABLE sync.audit, sync.violations, sync.conflicts, sync.access_events, sync.replicas, sync.actors, sync.changes, sync.documents;
