-- Whoever loses an account and whoever gains it read the same sentence: to whom it was assigned.

CREATE OR REPLACE FUNCTION app.note_reassignment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    next bigint;
    people uuid[] := ARRAY[OLD.assigned_user_id, NEW.assigned_user_id, OLD.secondary_user_id, NEW.secondary_user_id];
    holders constant text := (SELECT string_agg(coalesce(u.full_name, 'a colleague'), ' and ' ORDER BY u.id <> NEW.assigned_user_id)
        FROM public.users u WHERE u.id IN (NEW.assigned_user_id, NEW.secondary_user_id));
BEGIN
    -- The committer holds this lock and moves the clock on in the same transaction, so that the
    -- event is there for everybody whose cursor is older than that commit.
    SELECT last_position + 1 INTO next FROM sync.clock FOR UPDATE;
    INSERT INTO sync.access_events (position, scope_id, user_id, reason)
    SELECT next, NEW.id, who,
        format('The account "%s" was assigned to %s.', left(NEW.name, 60), coalesce(holders, 'nobody'))
    FROM app.concerned(people, CASE WHEN OLD.territory_id IS DISTINCT FROM NEW.territory_id THEN ARRAY[OLD.territory_id, NEW.territory_id] END) AS who;
    PERFORM pg_notify('pantry_feed', '');
    RETURN NULL;
END $$;
