-- Rules that the records' tables share, and what each such table needs.
--
-- Three kinds of rule decide about a record. A permissive policy says what a person sees; its WITH
-- CHECK is wide. Restrictive policies beside it say who may write, because PostgreSQL tells a person
-- whom it refuses the name of a restrictive policy only, and that name leads to the sentence in its
-- comment. Triggers compare a row as it is to be with the row as it was.
--
-- The server writes by upsert. PostgreSQL asks the INSERT policies about every row of it, the UPDATE
-- policies about those that exist, and the SELECT policies about both; and it fires BEFORE INSERT
-- triggers for rows that exist, too.

-- A rule that raises ends the whole statement and names one row. While the server writes many rows
-- it asks the rules to skip the rows they refuse instead, and to note them. A row that is skipped is
-- not written, so that whoever forgets to read the notes has broken no rule.
CREATE FUNCTION app.refuse(record uuid, relation oid, rule text, state text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('pantry.skip_refused', true) = 'on' THEN
        PERFORM set_config('pantry.refused',
            concat_ws(';', nullif(current_setting('pantry.refused', true), ''), concat_ws(',', record, rule, state)), true);
        RETURN;
    END IF;
    RAISE EXCEPTION USING ERRCODE = state, CONSTRAINT = rule, TABLE = relation::regclass::text,
        MESSAGE = (SELECT obj_description(t.oid, 'pg_trigger') FROM pg_trigger t WHERE t.tgrelid = relation AND t.tgname = rule);
END $$;
COMMENT ON FUNCTION app.refuse(uuid, oid, text, text) IS 'Refuses a row for the rule of a trigger, whose comment is what the person concerned reads: raises it, or notes it where pantry.skip_refused is on.';

CREATE FUNCTION app.managers_alone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Operators come without claims and are let through; readers are refused by their own policy.
    IF app.current_role_name() = 'sales_rep' THEN
        PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT403');
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION app.managers_alone() IS 'Refuses a sales rep.';

-- A record is deleted by a tombstone, which anybody who may write it may set and take back. To erase
-- it, leaving nothing, is another matter.
CREATE FUNCTION app.admins_alone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF auth.uid() IS NOT NULL AND NOT app.is_admin() THEN
        PERFORM app.refuse(OLD.id, TG_RELID, TG_NAME, 'PT403');
        RETURN NULL;
    END IF;
    RETURN OLD;
END $$;
COMMENT ON FUNCTION app.admins_alone() IS 'Refuses whoever is signed in and no administrator.';

-- A record that everybody hangs something from must not be had by calling a record like it: what hangs
-- from people and from everyone goes by id, as what hangs from accounts does.
CREATE FUNCTION app.check_id() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.id IN ('00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-0000000000e0')
        OR EXISTS (SELECT 1 FROM public.users u WHERE u.id = NEW.id)
        OR EXISTS (SELECT 1 FROM public.territories t WHERE t.id = NEW.id)
    THEN
        PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT403');
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION app.check_id() IS 'Refuses a record whose id is a person''s, a territory''s, or one of those kept for special meanings.';

-- A reference to a person that names none would keep a record from everybody, or give it to whatever
-- else bears the id. A row that names somebody who is gone by now may stay as it is.
CREATE FUNCTION app.check_people() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_row constant jsonb := to_jsonb(NEW);
    named uuid;
    named_already boolean;
BEGIN
    -- Whoever is named in what is put back after a restore may have joined after the backup.
    IF current_setting('pantry.puts_back', true) = 'on' THEN
        RETURN NEW;
    END IF;
    FOR i IN 0 .. TG_NARGS - 1 LOOP
        named := (new_row ->> TG_ARGV[i])::uuid;
        CONTINUE WHEN named IS NULL OR EXISTS (SELECT 1 FROM public.users u WHERE u.id = named);
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s WHERE id = $1 AND %I = $2)', TG_RELID::regclass, TG_ARGV[i])
            INTO named_already USING NEW.id, named;
        IF NOT named_already THEN
            PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT403');
            RETURN NULL;
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION app.check_people() IS 'Refuses a row that begins to name, in one of the columns given, a person who is none.';

-- Grace. Edits that were made before their author's device heard that the account was given to
-- somebody else are taken for a while, so that days of work without signal are not lost to a
-- decision that nobody could have known of.
CREATE TABLE app.settings (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    grace interval NOT NULL DEFAULT '30 days' CONSTRAINT grace_is_no_debt CHECK (grace >= interval '0')
);
COMMENT ON TABLE app.settings IS 'What rules go by that each company chooses for itself; one row.';
COMMENT ON COLUMN app.settings.one IS 'Always true: there is one row.';
COMMENT ON COLUMN app.settings.grace IS 'For how long after an account was given to somebody else edits are taken that were made before. Zero: not at all.';
INSERT INTO app.settings DEFAULT VALUES;
SELECT setup.owned_table('app.settings');

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
SELECT setup.owned_table('sync.former_holders');

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
-- the device's word, and whoever lies about it gains what they had: they may edit what belongs to an
-- account that was theirs until lately, and delete it so that it can be restored, under their name, for no
-- longer than the grace; they see nothing, and move nothing away.
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

-- Without pantry.seen the policies answer as if there were no grace. It is put back by hand: a SET
-- beside the function would do the same, but only a superuser may create such a function, and the
-- login that migrates on Supabase is none.
CREATE FUNCTION app.sees_account(account uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    seen constant text := coalesce(current_setting('pantry.seen', true), '');
    visible boolean;
BEGIN
    PERFORM set_config('pantry.seen', '', true);
    visible := EXISTS (SELECT 1 FROM public.organizations WHERE id = account);
    PERFORM set_config('pantry.seen', seen, true);
    RETURN visible;
END $$;
COMMENT ON FUNCTION app.sees_account(uuid) IS 'Whether whoever asks sees an account, grace aside.';

-- Grace is for adding to an account, not for taking from it: whoever moved a contact out of an account
-- that they hold no longer would take it from the next holder, and would read what that one wrote.
CREATE FUNCTION app.check_leaving() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.organization_id IN (SELECT app.graced_accounts()) AND NOT app.sees_account(OLD.organization_id) THEN
        PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT403');
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION app.check_leaving() IS 'Refuses to move what hangs from an account to another place for whoever may write to that account by grace alone.';

-- A row is what its document says. Whoever wrote to it by hand would see that undone, without a word, by
-- the next edit of the record; so nobody does but those who write what a document says, and say so.
CREATE FUNCTION app.check_projects() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'PT403', CONSTRAINT = TG_NAME, TABLE = TG_RELID::regclass::text,
        MESSAGE = format('rows of %s follow from documents, and the next edit would undo what is written here', TG_RELID::regclass),
        HINT = 'Use sync-server assign, merge, unmerge or move-contact, each with --preview, or an app. sync-server reproject writes rows anew from their documents.';
END $$;
COMMENT ON FUNCTION app.check_projects() IS 'Refuses whoever writes rows of records without saying that a document says so.';

-- What every record's table needs. The words for columns that stand in several tables are here; a
-- table's own file has the others.
CREATE FUNCTION setup.record_table(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    rule text;
    c record;
BEGIN
    PERFORM setup.owned_table(relation);
    PERFORM setup.sample_nothing_of(relation, 'int8', 'float8');
    EXECUTE format('GRANT SELECT ON %s TO authenticated', relation);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO pantry_writer', relation);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %s TO pantry_server', relation);
    EXECUTE format('CREATE POLICY accepted_before ON %s TO pantry_server
        USING ((SELECT current_setting(''pantry.puts_back'', true)) = ''on'')
        WITH CHECK ((SELECT current_setting(''pantry.puts_back'', true)) = ''on'')', relation);
    EXECUTE format('COMMENT ON POLICY accepted_before ON %s IS %L', relation,
        'After a restore the server puts back what devices prove it had accepted; the rules were asked then.');
    EXECUTE format('CREATE POLICY readers_do_not_write ON %s AS RESTRICTIVE FOR INSERT TO pantry_writer
        WITH CHECK ((SELECT app.current_role_name()) <> ''read_only'')', relation);
    EXECUTE format('CREATE POLICY readers_do_not_change ON %s AS RESTRICTIVE FOR UPDATE TO pantry_writer
        USING ((SELECT app.current_role_name()) <> ''read_only'')', relation);
    FOREACH rule IN ARRAY ARRAY['readers_do_not_write', 'readers_do_not_change'] LOOP
        EXECUTE format('COMMENT ON POLICY %I ON %s IS %L', rule, relation,
            'Your account may read records but not change them; ask an administrator.');
    END LOOP;
    -- Once a statement, which costs rows nothing.
    EXECUTE format('CREATE TRIGGER rows_follow_documents BEFORE INSERT OR UPDATE ON %s
        WHEN (coalesce(current_setting(''pantry.projects'', true), '''') <> ''on'')
        EXECUTE FUNCTION app.check_projects()', relation);
    EXECUTE format('COMMENT ON TRIGGER rows_follow_documents ON %s IS %L', relation,
        'Rows follow from documents: what is written here by hand would be undone by the next edit.');
    EXECUTE format('CREATE TRIGGER only_admins_erase BEFORE DELETE ON %s
        FOR EACH ROW EXECUTE FUNCTION app.admins_alone()', relation);
    EXECUTE format('COMMENT ON TRIGGER only_admins_erase ON %s IS %L', relation,
        'Only an administrator may erase a record; delete it instead, which can be taken back.');
    EXECUTE format('CREATE TRIGGER id_is_its_own BEFORE INSERT ON %s
        FOR EACH ROW EXECUTE FUNCTION app.check_id()', relation);
    EXECUTE format('COMMENT ON TRIGGER id_is_its_own ON %s IS %L', relation,
        'The record bears the id of something else, so it cannot be begun.');
    FOR c IN
        SELECT a.attname, w.words FROM pg_attribute a JOIN (VALUES
            ('id', 'Minted on the device that created the record.'),
            ('created_at', 'When the device says it was created: a claim.'),
            ('created_by', 'Who created it.'),
            ('organization_id', 'The account it hangs from, which decides who may see it. It need not have arrived.'),
            ('user_id', 'The rep it is credited to.'),
            ('custom_fields', 'Further values by name.'),
            ('is_deleted', 'Whether a tombstone stands; a record is never removed.'),
            ('deleted_at', 'When the tombstone was written.'),
            ('updated_at', 'When the last change was made, from the changes themselves and never from this database''s clock.'),
            ('updated_by', 'Who made the last change.'),
            ('conflict_count', 'Fields that several people wrote at once; listed in sync.conflicts.'),
            ('violation_count', 'Values that do not fit their declaration and stand as NULL here; listed in sync.violations.')
        ) AS w (name, words) ON w.name = a.attname
        WHERE a.attrelid = relation AND a.attnum > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', relation, c.attname, c.words);
    END LOOP;
    -- Only where there is a question of grace: nobody but the server says what a device had seen.
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = relation AND attname = 'organization_id') THEN
        EXECUTE format('CREATE TRIGGER grace_takes_nothing_away BEFORE UPDATE ON %s FOR EACH ROW
            WHEN (coalesce(current_setting(''pantry.seen'', true), '''') <> ''''
                AND (OLD.organization_id IS DISTINCT FROM NEW.organization_id
                    OR coalesce(current_setting(''pantry.moved'', true), '''') LIKE ''%%'' || NEW.id || ''%%''))
            EXECUTE FUNCTION app.check_leaving()', relation);
        EXECUTE format('COMMENT ON TRIGGER grace_takes_nothing_away ON %s IS %L', relation,
            'The account this belongs to was given to somebody else, so you cannot move it away from there; ask your manager.');
    END IF;
END $$;
COMMENT ON FUNCTION setup.record_table(regclass) IS 'Gives a record''s table what each needs: forced row security, grants, the rules for readers and for erasing, the rule of grace where it hangs from an account, and comments on the common columns. Its own policies follow beside the table.';

CREATE FUNCTION setup.names_people(relation regclass, VARIADIC columns text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER names_somebody BEFORE INSERT OR UPDATE ON %s
        FOR EACH ROW EXECUTE FUNCTION app.check_people(%s)', relation,
        (SELECT string_agg(quote_literal(c), ', ') FROM unnest(columns) AS c));
    EXECUTE format('COMMENT ON TRIGGER names_somebody ON %s IS %L', relation,
        'The person named here is not known; choose somebody else.');
END $$;
COMMENT ON FUNCTION setup.names_people(regclass, text[]) IS 'Has columns of a record''s table name people and nothing else.';

-- What hangs from an account follows it: the policy of organizations decides within the sub-select.
-- EXISTS and not IN, because the planner may then look up the few accounts concerned rather than
-- collect every visible one first. The personal rule mirrors how a document gets its scope.
CREATE FUNCTION setup.follows_its_account(relation regclass, holder text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    visible constant text := format($v$
        EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = %1$s.organization_id)
        OR organization_id IS NULL AND (%2$s = (SELECT app.current_user_id()) OR (SELECT app.is_admin()))$v$,
        relation, holder);
BEGIN
    EXECUTE format('CREATE POLICY follows_its_account ON %s TO authenticated, pantry_writer
        USING (%s) WITH CHECK ((SELECT app.current_user_id()) IS NOT NULL)', relation, visible);
    EXECUTE format('COMMENT ON POLICY follows_its_account ON %s IS %L', relation,
        'You see what hangs from the accounts you see, and what hangs from none and is yours.');
    EXECUTE format('CREATE POLICY account_must_be_visible ON %s AS RESTRICTIVE FOR INSERT TO pantry_writer
        WITH CHECK (%s)', relation, visible);
    EXECUTE format('COMMENT ON POLICY account_must_be_visible ON %s IS %L', relation,
        'The account this belongs to is not assigned to you, so you cannot add to it or change it.');
    EXECUTE format('CREATE POLICY account_must_stay_visible ON %s AS RESTRICTIVE FOR UPDATE TO pantry_writer
        USING (true) WITH CHECK (%s)', relation, visible);
    EXECUTE format('COMMENT ON POLICY account_must_stay_visible ON %s IS %L', relation,
        'The account you move this to is not assigned to you.');
END $$;
COMMENT ON FUNCTION setup.follows_its_account(regclass, text) IS 'Makes the policies of a kind whose records are seen and written with their account; without an account, by the holder, an expression over the row''s columns.';

SELECT setup.close_functions();
GRANT EXECUTE ON FUNCTION app.refuse(uuid, oid, text, text), app.graced_accounts(), app.sees_account(uuid) TO pantry_writer;
