-- Documents, changes, and what follows from them: what the feed reads, and what operators look up.

CREATE TABLE sync.documents (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    scope_id uuid NOT NULL,
    snapshot bytea NOT NULL,
    position bigint NOT NULL,
    created_position bigint NOT NULL,
    quarantined text,
    receipts bytea NOT NULL
);
COMMENT ON TABLE sync.documents IS 'The merged document of every record, with the feed position of its last change. The scope is what it hangs from: an account, a user, or everyone.';
COMMENT ON COLUMN sync.documents.scope_id IS 'An account''s id, a user''s, or 00000000-0000-0000-0000-0000000000e0 for everyone.';
COMMENT ON COLUMN sync.documents.snapshot IS 'The saved Automerge document: the fold of its changes.';
COMMENT ON COLUMN sync.documents.position IS 'Feed position of its last change.';
COMMENT ON COLUMN sync.documents.created_position IS 'Feed position of its first change; a reader whose cursor is before it has nothing of the document.';
COMMENT ON COLUMN sync.documents.quarantined IS 'Why the document takes no changes for now; NULL for a sound one.';
COMMENT ON COLUMN sync.documents.receipts IS 'A receipt of eight bytes for each head of the document, in the order of their hashes.';
CREATE INDEX documents_scope ON sync.documents (scope_id, position);
CREATE INDEX documents_position ON sync.documents (position);
SELECT setup.server_table('sync.documents');
SELECT setup.sample_words_of('sync.documents', 'kind');
-- A document is visible exactly when its row is, whatever its scope says: the row's own policy decides
-- within the sub-select, and a kind that is not listed is seen by nobody. EXISTS and not IN, so that
-- reading a few looks up a few.
CREATE POLICY row_is_visible ON sync.documents FOR SELECT TO authenticated
    USING (
        CASE kind
            WHEN 'organization' THEN EXISTS (SELECT 1 FROM public.organizations r WHERE r.id = documents.id)
            WHEN 'organization_finance' THEN EXISTS (SELECT 1 FROM public.organization_finance r WHERE r.id = documents.id)
            WHEN 'contact' THEN EXISTS (SELECT 1 FROM public.contacts r WHERE r.id = documents.id)
            WHEN 'opportunity' THEN EXISTS (SELECT 1 FROM public.opportunities r WHERE r.id = documents.id)
            WHEN 'interaction' THEN EXISTS (SELECT 1 FROM public.interactions r WHERE r.id = documents.id)
            WHEN 'task' THEN EXISTS (SELECT 1 FROM public.tasks r WHERE r.id = documents.id)
            ELSE false
        END
    );
COMMENT ON POLICY row_is_visible ON sync.documents IS 'A document is visible with its row.';
GRANT SELECT, INSERT, UPDATE, DELETE ON sync.documents TO pantry_server;
GRANT SELECT ON sync.documents TO authenticated;

-- The scopes of the signed-in user, each query driven by an index on what is theirs rather than by
-- asking the policy about every account. They only find candidates: the policies still decide over
-- every row, so that a query that forgets somebody hides an account, and none can show too much. PL/pgSQL keeps the plans for the
-- session, which is most of the cost of an idle look at the feed. Finances are found by the accounts,
-- which are collected once.
CREATE FUNCTION sync.visible_scopes() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = pg_catalog, pg_temp ROWS 500 AS $$
DECLARE
    me constant uuid := app.current_user_id();
    role constant text := app.current_role_name();
    accounts uuid[];
BEGIN
    IF me IS NULL THEN
        RETURN;
    END IF;
    RETURN NEXT '00000000-0000-0000-0000-0000000000e0'::uuid;
    IF role = 'admin' THEN
        RETURN QUERY SELECT o.id FROM public.organizations o;
        RETURN QUERY SELECT f.id FROM public.organization_finance f;
        -- People, also those who are gone and left something that hangs from no account.
        RETURN QUERY
            SELECT u.id FROM public.users u
            UNION SELECT coalesce(c.created_by, c.id) FROM public.contacts c WHERE c.organization_id IS NULL
            UNION SELECT coalesce(o.created_by, o.id) FROM public.opportunities o WHERE o.organization_id IS NULL
            UNION SELECT coalesce(i.user_id, i.created_by, i.id) FROM public.interactions i WHERE i.organization_id IS NULL
            UNION SELECT coalesce(t.assignee_id, t.created_by, t.id) FROM public.tasks t WHERE t.organization_id IS NULL;
        RETURN;
    END IF;
    RETURN NEXT me;
    IF role IN ('manager', 'read_only') THEN
        accounts := ARRAY(
            SELECT o.id FROM public.organizations o WHERE o.assigned_user_id = me
            UNION SELECT o.id FROM public.organizations o WHERE o.secondary_user_id = me
            UNION SELECT o.id FROM app.managed_users() m JOIN public.organizations o ON o.assigned_user_id = m
            UNION SELECT o.id FROM app.managed_users() m JOIN public.organizations o ON o.secondary_user_id = m
            UNION SELECT o.id FROM app.managed_territories() t JOIN public.organizations o ON o.territory_id = t);
        RETURN QUERY SELECT unnest(accounts);
        IF role = 'manager' THEN
            RETURN QUERY SELECT f.id FROM public.organization_finance f WHERE f.organization_id = ANY (accounts);
        END IF;
    ELSE
        RETURN QUERY
            SELECT o.id FROM public.organizations o WHERE o.assigned_user_id = me
            UNION SELECT o.id FROM public.organizations o WHERE o.secondary_user_id = me;
    END IF;
END $$;
COMMENT ON FUNCTION sync.visible_scopes() IS 'Accounts that the signed-in user sees, for a manager with their finances, the user, and everyone''s scope; an administrator sees every user''s.';

CREATE TABLE sync.changes (
    hash bytea PRIMARY KEY,
    record_id uuid NOT NULL,
    position bigint NOT NULL UNIQUE,
    actor bytea NOT NULL,
    seq bigint NOT NULL,
    author uuid NOT NULL,
    replica_id uuid NOT NULL,
    group_id uuid NOT NULL,
    bytes bytea NOT NULL,
    receipt bytea NOT NULL,
    claimed_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL
);
COMMENT ON TABLE sync.changes IS 'Every accepted change as it was pushed, append only. claimed_at is the device''s word, received_at is ours.';
COMMENT ON COLUMN sync.changes.hash IS 'The change''s name: a change pushed twice is stored once.';
COMMENT ON COLUMN sync.changes.author IS 'The authenticated user who pushed it, whatever the change itself says; of what was put back after a restore, the author that it had.';
COMMENT ON COLUMN sync.changes.receipt IS 'The proof that it was accepted, which devices keep and give back to a server that lost it.';
COMMENT ON COLUMN sync.changes.group_id IS 'Changes of one group were accepted together.';
CREATE INDEX changes_record ON sync.changes (record_id, position);
SELECT setup.server_table('sync.changes');
CREATE POLICY scope_is_visible ON sync.changes FOR SELECT TO authenticated
    USING (EXISTS (SELECT 1 FROM sync.documents d WHERE d.id = record_id));
COMMENT ON POLICY scope_is_visible ON sync.changes IS 'A change is visible with its document.';
GRANT SELECT, INSERT, UPDATE, DELETE ON sync.changes TO pantry_server;
GRANT SELECT ON sync.changes TO authenticated;

CREATE TABLE sync.actors (
    actor bytea PRIMARY KEY,
    user_id uuid NOT NULL,
    replica_id uuid NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sync.actors IS 'Which user and device an Automerge actor belongs to, bound at first sight.';
SELECT setup.server_table('sync.actors');
GRANT SELECT, INSERT, UPDATE, DELETE ON sync.actors TO pantry_server;

CREATE TABLE sync.usage (
    user_id uuid PRIMARY KEY,
    documents bigint NOT NULL,
    bytes bigint NOT NULL
);
COMMENT ON TABLE sync.usage IS 'What each user has stored: counted in every commit, so that nobody need add it up to know whether there is room.';
COMMENT ON COLUMN sync.usage.documents IS 'Records begun.';
COMMENT ON COLUMN sync.usage.bytes IS 'Bytes of accepted changes, and of refused ones with the words that are kept of them.';
SELECT setup.server_table('sync.usage');
GRANT SELECT, INSERT, UPDATE, DELETE ON sync.usage TO pantry_server;

CREATE TABLE sync.replicas (
    replica_id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    app text NOT NULL,
    last_sync timestamptz NOT NULL
);
COMMENT ON TABLE sync.replicas IS 'Devices and when each was last heard.';
CREATE INDEX replicas_user ON sync.replicas (user_id, last_sync);
SELECT setup.server_table('sync.replicas');
CREATE POLICY devices_of_your_people ON sync.replicas FOR SELECT TO authenticated
    USING (
        user_id = (SELECT app.current_user_id())
        OR (SELECT app.is_admin())
        OR user_id IN (SELECT app.managed_users())
    );
COMMENT ON POLICY devices_of_your_people ON sync.replicas IS 'You see when your own devices and those of your team last synced.';
GRANT SELECT, INSERT, UPDATE, DELETE ON sync.replicas TO pantry_server;
GRANT SELECT (user_id, last_sync) ON sync.replicas TO authenticated;

CREATE TABLE sync.access_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    position bigint NOT NULL,
    scope_id uuid,
    user_id uuid,
    reason text NOT NULL
);
COMMENT ON TABLE sync.access_events IS 'Changes of who may see what. scope_id NULL stands for everything of that user, user_id NULL for everybody.';
COMMENT ON COLUMN sync.access_events.position IS 'Whoever''s cursor is before it has to look again at what they may see.';
COMMENT ON COLUMN sync.access_events.reason IS 'The sentence that the person concerned reads.';
CREATE INDEX access_events_user ON sync.access_events (user_id, position);
SELECT setup.server_table('sync.access_events');
CREATE POLICY own_events ON sync.access_events FOR SELECT TO authenticated
    USING (user_id = (SELECT app.current_user_id()));
COMMENT ON POLICY own_events ON sync.access_events IS 'Everybody learns of changes of their own access.';
GRANT SELECT, INSERT, UPDATE, DELETE ON sync.access_events TO pantry_server;
GRANT SELECT ON sync.access_events TO authenticated;

-- Records that begin to hang from something else: whoever saw only the old place must let go of them.
CREATE TABLE sync.moves (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    position bigint NOT NULL,
    record_id uuid NOT NULL,
    from_scope uuid NOT NULL
);
COMMENT ON TABLE sync.moves IS 'Records that left a scope, such as a contact who changed employer, with the feed position of the change.';
COMMENT ON COLUMN sync.moves.position IS 'Whoever''s cursor is before it may still hold the record.';
COMMENT ON COLUMN sync.moves.from_scope IS 'What the record hung from before: an account''s id, a user''s, or everyone''s.';
CREATE INDEX moves_position ON sync.moves (position);
SELECT setup.server_table('sync.moves');
-- By id alone, and only to people of the old place: they knew the record.
CREATE POLICY you_saw_the_old_place ON sync.moves FOR SELECT TO authenticated
    USING (
        EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = from_scope)
        OR from_scope = (SELECT app.current_user_id())
        OR from_scope = '00000000-0000-0000-0000-0000000000e0' AND (SELECT app.current_user_id()) IS NOT NULL
    );
COMMENT ON POLICY you_saw_the_old_place ON sync.moves IS 'You learn that a record left a place that you see.';
GRANT SELECT, INSERT, DELETE ON sync.moves TO pantry_server;
GRANT SELECT ON sync.moves TO authenticated;

CREATE FUNCTION app.note_move() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO sync.moves (position, record_id, from_scope) VALUES (NEW.position, NEW.id, OLD.scope_id);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.note_move() IS 'Writes down that a record left a scope.';
CREATE TRIGGER note_move AFTER UPDATE ON sync.documents
    FOR EACH ROW WHEN (OLD.scope_id IS DISTINCT FROM NEW.scope_id)
    EXECUTE FUNCTION app.note_move();
COMMENT ON TRIGGER note_move ON sync.documents IS 'Devices of those who saw only the old place erase the record.';

-- Whoever begins a record holds it until the server has it, and need not see it any more by then: a
-- task for a colleague, the finances of an account that went to another team meanwhile. What hangs
-- from an account goes with the account; these do not.
CREATE FUNCTION app.note_begun() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO sync.moves (position, record_id, from_scope)
    SELECT NEW.position, NEW.id, begun.created_by
    FROM (
        SELECT t.created_by FROM public.tasks t WHERE t.id = NEW.id AND t.organization_id IS NULL
        UNION ALL SELECT f.created_by FROM public.organization_finance f WHERE f.id = NEW.id
    ) AS begun
    WHERE begun.created_by <> NEW.scope_id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.note_begun() IS 'Has the device of whoever began a record erase it, if its user does not see it.';
CREATE TRIGGER note_begun AFTER INSERT ON sync.documents
    FOR EACH ROW WHEN (NEW.kind IN ('task', 'organization_finance'))
    EXECUTE FUNCTION app.note_begun();
COMMENT ON TRIGGER note_begun ON sync.documents IS 'Devices erase what their users began and do not see.';

CREATE TABLE sync.conflicts (
    record_id uuid NOT NULL,
    field text NOT NULL,
    contested jsonb NOT NULL,
    PRIMARY KEY (record_id, field)
);
COMMENT ON TABLE sync.conflicts IS 'Registers that several people wrote at once: all values, the shown one first.';
SELECT setup.server_table('sync.conflicts');
CREATE POLICY scope_is_visible ON sync.conflicts FOR SELECT TO authenticated
    USING (EXISTS (SELECT 1 FROM sync.documents d WHERE d.id = record_id));
COMMENT ON POLICY scope_is_visible ON sync.conflicts IS 'A conflict is visible with its document.';
GRANT SELECT, INSERT, UPDATE, DELETE ON sync.conflicts TO pantry_server;
GRANT SELECT ON sync.conflicts TO authenticated;

CREATE TABLE sync.violations (
    record_id uuid NOT NULL,
    field text NOT NULL,
    problem text NOT NULL,
    PRIMARY KEY (record_id, field, problem)
);
COMMENT ON TABLE sync.violations IS 'Values found in documents that do not fit their declaration; they stand as NULL in the tables.';
SELECT setup.server_table('sync.violations');
CREATE POLICY scope_is_visible ON sync.violations FOR SELECT TO authenticated
    USING (EXISTS (SELECT 1 FROM sync.documents d WHERE d.id = record_id));
COMMENT ON POLICY scope_is_visible ON sync.violations IS 'A violation is visible with its document.';
GRANT SELECT, INSERT, UPDATE, DELETE ON sync.violations TO pantry_server;
GRANT SELECT ON sync.violations TO authenticated;

-- Work that the database or the guard refused, kept where its author and those to whom the author reports see it.
CREATE TABLE sync.quarantine (
    hash bytea NOT NULL,
    author uuid NOT NULL,
    record_id uuid NOT NULL,
    kind text NOT NULL,
    replica_id uuid NOT NULL,
    group_id uuid NOT NULL,
    bytes bytea NOT NULL,
    edit jsonb,
    code text NOT NULL,
    policy text,
    sentence text NOT NULL,
    claimed_at timestamptz NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (author, hash)
);
COMMENT ON TABLE sync.quarantine IS 'Refused changes. The device keeps them too, where they can be corrected and sent again; here they are safe if it is lost.';
COMMENT ON COLUMN sync.quarantine.author IS 'The authenticated user who pushed it.';
COMMENT ON COLUMN sync.quarantine.bytes IS 'The change as it was pushed; empty for what was no change, and where its author has stored as much as one may.';
COMMENT ON COLUMN sync.quarantine.edit IS 'What it did, or would have done, as JSON, of long ones the beginning; NULL where that could not be read, and where its author has stored as much as one may.';
COMMENT ON COLUMN sync.quarantine.policy IS 'The rule that refused it, where one did.';
COMMENT ON COLUMN sync.quarantine.sentence IS 'What the author read.';
COMMENT ON COLUMN sync.quarantine.claimed_at IS 'When it was made, as the device says.';
CREATE INDEX quarantine_author ON sync.quarantine (author, refused_at);
SELECT setup.server_table('sync.quarantine');
CREATE POLICY work_of_your_people ON sync.quarantine FOR SELECT TO authenticated
    USING (
        author = (SELECT app.current_user_id())
        OR (SELECT app.is_admin())
        OR author IN (SELECT app.managed_users())
    );
COMMENT ON POLICY work_of_your_people ON sync.quarantine IS 'You see refused work of your own and of the people who report to you.';
GRANT SELECT, INSERT ON sync.quarantine TO pantry_server;
GRANT SELECT ON sync.quarantine TO authenticated;

CREATE TABLE sync.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    user_id uuid,
    action text NOT NULL,
    record_id uuid,
    detail jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE sync.audit IS 'Who changed which record when, and what operators did; append only.';
SELECT setup.server_table('sync.audit');
GRANT SELECT, INSERT ON sync.audit TO pantry_server;

-- The other way round: nobody joins, and no territory is made, under the id of a record.
CREATE FUNCTION app.check_id_is_free() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM sync.documents d WHERE d.id = NEW.id) THEN
        RAISE EXCEPTION USING ERRCODE = '23505', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('%s is the id of a record; take another', NEW.id);
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION app.check_id_is_free() IS 'Refuses a person or a territory under the id of a record.';
DO $$
DECLARE relation text;
BEGIN
    FOREACH relation IN ARRAY ARRAY['public.users', 'public.territories'] LOOP
        EXECUTE format('CREATE TRIGGER id_is_free BEFORE INSERT OR UPDATE OF id ON %s
            FOR EACH ROW EXECUTE FUNCTION app.check_id_is_free()', relation);
        EXECUTE format('COMMENT ON TRIGGER id_is_free ON %s IS %L', relation,
            'What hangs from people, territories and accounts goes by id, so that no two may share one.');
    END LOOP;
END $$;

SELECT setup.close_functions();
GRANT EXECUTE ON FUNCTION sync.visible_scopes() TO authenticated, pantry_writer, pantry_server;
