DROP FUNCTION sync.visible_scopes();
DROP TABLE sync.audit, sync.quarantine, sync.violations, sync.conflicts, sync.moves, sync.access_events,
    sync.replicas, sync.actors, sync.changes, sync.documents;
DROP FUNCTION app.note_begun(), app.note_move();
