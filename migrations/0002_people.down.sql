DROP TABLE public.users, public.territories, sync.clock, sync.receipt_keys;
DROP FUNCTION app.note_territory_access(), app.note_user_access(), sync.take_position();
DROP FUNCTION app.concerned(uuid[], uuid[]), app.watchers_of(uuid[]), app.people_above(uuid[]);
DROP FUNCTION app.managed_users(), app.managed_territories();
DROP FUNCTION app.is_admin(), app.current_role_name(), app.current_user_id();
DROP FUNCTION app.is_time_zone(text);
DROP FUNCTION sync.stamp_clock_outside(), sync.stamp_clock(), sync.is_restored(), sync.whereabouts();
