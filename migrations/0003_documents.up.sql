-- Documents, changes, and what follows from them.

CREATE TABLE sync.documents (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    scope_id uuid NOT NULL,
    snapshot bytea NOT NULL,
    position bigint NOT NULL,
    created_position bigint NOT NULL,
    quarantined text
);
COMMENT ON TABLE sync.documents IS 'The merged document of every record, with the feed position of its last change. The scope is what it hangs from: an account, a user, or everyone.';
CREATE INDEX documents_scope ON sync.documents (scope_id, position);
CREATE INDEX documents_position ON sync.documents (position);

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
    claimed_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL
);
COMMENT ON TABLE sync.changes IS 'Every accepted change as it was pushed, append only. claimed_at is the device''s word, received_at is ours.';
CREATE INDEX changes_record ON sync.changes (record_id, position);

CREATE TABLE sync.actors (
    actor bytea PRIMARY KEY,
    user_id uuid NOT NULL,
    replica_id uuid NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sync.actors IS 'Which user and device an Automerge actor belongs to, bound at first sight.';

CREATE TABLE sync.replicas (
    replica_id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    app text NOT NULL,
    last_sync timestamptz NOT NULL
);
COMMENT ON TABLE sync.replicas IS 'Devices and when each was last heard.';

CREATE TABLE sync.access_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    position bigint NOT NULL,
    scope_id uuid,
    user_id uuid,
    reason text NOT NULL
);
COMMENT ON TABLE sync.access_events IS 'Changes of who may see what. scope_id NULL stands for everything of that user, user_id NULL for everybody.';
CREATE INDEX access_events_user ON sync.access_events (user_id, position);

CREATE TABLE sync.conflicts (
    record_id uuid NOT NULL,
    field text NOT NULL,
    contested jsonb NOT NULL,
    PRIMARY KEY (record_id, field)
);
COMMENT ON TABLE sync.conflicts IS 'Registers that several people wrote at once: all values, the shown one first.';

CREATE TABLE sync.violations (
    record_id uuid NOT NULL,
    field text NOT NULL,
    problem text NOT NULL,
    PRIMARY KEY (record_id, field, problem)
);
COMMENT ON TABLE sync.violations IS 'Values found in documents that do not fit their declaration; they stand as NULL in the tables.';

CREATE TABLE sync.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    user_id uuid,
    action text NOT NULL,
    record_id uuid,
    detail jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE sync.audit IS 'Who changed which record when, and what operators did; append only.';

COMMENT ON COLUMN sync.documents.scope_id IS 'An account''s id, a user''s, or 00000000-0000-0000-0000-0000000000e0 for everyone.';
COMMENT ON COLUMN sync.documents.snapshot IS 'The saved Automerge document: the fold of its changes.';
COMMENT ON COLUMN sync.documents.position IS 'Feed position of its last change.';
COMMENT ON COLUMN sync.documents.created_position IS 'Feed position of its first change; a reader whose cursor is before it has nothing of the document.';
COMMENT ON COLUMN sync.documents.quarantined IS 'Why the document takes no changes for now; NULL for a sound one.';
COMMENT ON COLUMN sync.changes.hash IS 'The change''s name: a change pushed twice is stored once.';
COMMENT ON COLUMN sync.changes.author IS 'The authenticated user who pushed it, whatever the change itself says.';
COMMENT ON COLUMN sync.changes.group_id IS 'Changes of one group were accepted together.';
COMMENT ON COLUMN sync.access_events.position IS 'Whoever''s cursor is before it has to look again at what they may see.';
COMMENT ON COLUMN sync.access_events.reason IS 'The sentence that the person concerned reads.';

CREATE INDEX replicas_user ON sync.replicas (user_id, last_sync);

GRANT SELECT, INSERT, UPDATE, DELETE ON sync.documents, sync.changes, sync.actors, sync.replicas,
    sync.access_events, sync.conflicts, sync.violations TO pantry_server;
GRANT SELECT, INSERT ON sync.audit TO pantry_server;
GRANT SELECT ON sync.documents, sync.changes, sync.conflicts, sync.violations, sync.access_events TO authenticated;
GRANT SELECT (user_id, last_sync) ON sync.replicas TO authenticated;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['documents', 'changes', 'actors', 'replicas', 'access_events', 'conflicts', 'violations', 'audit'] LOOP
        EXECUTE format('ALTER TABLE sync.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE sync.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY server_all ON sync.%I TO pantry_server, CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('COMMENT ON POLICY server_all ON sync.%I IS %L', t, 'The server keeps this table.');
    END LOOP;
END $$;
