DROP TRIGGER id_is_free ON public.users;
DROP TRIGGER id_is_free ON public.territories;
DROP FUNCTION app.check_id_is_free(), sync.visible_scopes();
DROP TABLE sync.audit, sync.quarantine, sync.violations, sync.conflicts, sync.moves, sync.access_events,
    sync.replicas, sync.usage, sync.actors, sync.changes, sync.documents;
DROP FUNCTION app.note_begun(), app.note_move();
