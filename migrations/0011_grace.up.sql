-- Edits that were made before their author's device heard that the account was given to somebody
-- else are still taken for a while, so that days of work without signal are not lost to a decision
-- that nobody could have known of.

CREATE TABLE app.settings (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    grace interval NOT NULL DEFAULT '30 days' CONSTRAINT grace_is_no_debt CHECK (grace >= interval '0')
);
COMMENT ON TABLE app.settings IS 'What rules go by that each company chooses for itself; one row.';
COMMENT ON COLUMN app.settings.one IS 'Always true: there is one row.';
COMMENT ON COLUMN app.settings.grace IS 'For how long after an account was given to somebody else edits are taken that were made before. Zero: not at all.';
INSERT INTO app.settings DEFAULT VALUES;

CREATE TABLE sync.former_holders (
    user_id uuid NOT NULL,
    account_id uuid NOT NULL,
    position bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, account_id)
);
COMMENT ON TABLE sync.former_holders IS 'Who saw an account before it was given to somebody else, and when that was last; kept for as long as edits made before are taken.';
COMMENT ON COLUMN sync.former_holders.position IS 'A device that has seen less than this has not heard of it.';
CREATE INDEX former_holders_at ON sync.former_holders (at);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['app.settings', 'sync.former_holders'] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON %s TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('COMMENT ON POLICY owner_all ON %s IS %L', t, 'Operators work with the owner''s login.');
    END LOOP;
END $$;

CREATE FUNCTION app.concerned(holders uuid[], territories uuid[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 5 AS $$
    SELECT who FROM (
        SELECT unnest(holders) UNION SELECT app.people_above(holders) UNION SELECT app.watchers_of(territories)
    ) AS concerned (who) WHERE who IS NOT NULL
$$;
COMMENT ON FUNCTION app.concerned(uuid[], uuid[]) IS 'Who may see an account by these people, who look after it, or by these territories.';

-- Readers are no holders: they have nothing to hand in.
CREATE FUNCTION app.remember_holders() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held constant uuid[] := ARRAY[OLD.assigned_user_id, OLD.secondary_user_id];
BEGIN
    DELETE FROM sync.former_holders WHERE at < now() - (SELECT grace FROM app.settings);
    INSERT INTO sync.former_holders (user_id, account_id, position)
    SELECT u.id, NEW.id, (SELECT last_position + 1 FROM sync.clock)
    FROM app.concerned(held, CASE WHEN OLD.territory_id IS DISTINCT FROM NEW.territory_id THEN ARRAY[OLD.territory_id] END) AS who
    JOIN public.users u ON u.id = who AND (u.role = 'manager' OR u.id = ANY (held))
    ON CONFLICT (user_id, account_id) DO UPDATE SET position = excluded.position, at = excluded.at;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.remember_holders() IS 'Writes down who saw an account up to now, for what their devices did before they heard of the change.';
CREATE TRIGGER remember_holders AFTER UPDATE ON public.organizations
    FOR EACH ROW WHEN (
        (OLD.assigned_user_id, OLD.secondary_user_id, OLD.territory_id)
        IS DISTINCT FROM (NEW.assigned_user_id, NEW.secondary_user_id, NEW.territory_id))
    EXECUTE FUNCTION app.remember_holders();
COMMENT ON TRIGGER remember_holders ON public.organizations IS 'Edits made before a reassignment was heard of are taken for a while.';

-- What is taken from a person is taken at once; grace is for accounts that moved on, not for people.
CREATE FUNCTION app.forget_holder() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM sync.former_holders WHERE user_id = NEW.id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.forget_holder() IS 'Ends the grace of a person whose role, territory or state changed.';
CREATE TRIGGER forget_holder AFTER UPDATE ON public.users
    FOR EACH ROW WHEN ((OLD.role, OLD.territory_id, OLD.is_active) IS DISTINCT FROM (NEW.role, NEW.territory_id, NEW.is_active))
    EXECUTE FUNCTION app.forget_holder();
COMMENT ON TRIGGER forget_holder ON public.users IS 'A change of role, territory or state counts from that moment on.';

-- The server says in pantry.seen how far the device's feed had come when the edit was made. That is
-- the device's word, and whoever lies about it gains what they had: they may add to an account that
-- was theirs until lately, under their name, for no longer than the grace; and they see nothing.
CREATE FUNCTION app.graced_accounts() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 5 AS $$
DECLARE
    seen constant bigint := nullif(current_setting('pantry.seen', true), '')::bigint;
BEGIN
    IF seen IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT f.account_id FROM sync.former_holders f
        WHERE f.user_id = (SELECT app.current_user_id()) AND f.position > seen
          AND f.at >= now() - (SELECT grace FROM app.settings);
END $$;
COMMENT ON FUNCTION app.graced_accounts() IS 'Accounts that the signed-in user held until after what the edit''s device had seen, and within the grace.';

-- For writing alone: what is read is read as another role.
CREATE POLICY grace_after_reassignment ON public.organizations TO pantry_writer
    USING (id IN (SELECT app.graced_accounts()));
COMMENT ON POLICY grace_after_reassignment ON public.organizations IS 'Edits made before you heard that the account was given to somebody else are taken for a while.';
DO $$
DECLARE
    rule text;
    yours constant text := (SELECT pg_get_expr(polqual, polrelid) FROM pg_policy
        WHERE polname = 'account_is_yours' AND polrelid = 'public.organizations'::regclass);
BEGIN
    FOREACH rule IN ARRAY ARRAY['account_must_be_yours', 'account_must_stay_yours'] LOOP
        EXECUTE format('ALTER POLICY %I ON public.organizations WITH CHECK (%s OR id IN (SELECT app.graced_accounts()))', rule, yours);
    END LOOP;
END $$;

-- Grace is for work on an account, not for giving it away. The setting beside the function makes the
-- policies answer as if there were no grace.
CREATE FUNCTION app.sees_account(account uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = pg_catalog, pg_temp SET pantry.seen = '' AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM public.organizations WHERE id = account);
END $$;
COMMENT ON FUNCTION app.sees_account(uuid) IS 'Whether whoever asks sees an account, grace aside.';
CREATE FUNCTION app.check_holding() RETURNS trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT app.sees_account(NEW.id) THEN
        PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT403');
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION app.check_holding() IS 'Refuses to assign an account for whoever may write to it by grace alone.';
-- Only where there is a question of grace: nobody but the server says what a device had seen.
CREATE TRIGGER only_holders_reassign BEFORE UPDATE ON public.organizations
    FOR EACH ROW WHEN (
        coalesce(current_setting('pantry.seen', true), '') <> ''
        AND (OLD.assigned_user_id, OLD.secondary_user_id, OLD.territory_id)
            IS DISTINCT FROM (NEW.assigned_user_id, NEW.secondary_user_id, NEW.territory_id))
    EXECUTE FUNCTION app.check_holding();
COMMENT ON TRIGGER only_holders_reassign ON public.organizations IS 'The account was given to somebody else meanwhile; ask whoever manages it to assign it.';

REVOKE ALL ON FUNCTION app.concerned(uuid[], uuid[]), app.remember_holders(), app.forget_holder(), app.graced_accounts(), app.sees_account(uuid), app.check_holding() FROM public;
GRANT EXECUTE ON FUNCTION app.graced_accounts(), app.sees_account(uuid) TO pantry_writer;
