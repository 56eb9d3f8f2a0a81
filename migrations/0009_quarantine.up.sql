-- Work that the database refused, kept where its author and those whom the author reports to see it.

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
COMMENT ON COLUMN sync.quarantine.bytes IS 'The change as it was pushed.';
COMMENT ON COLUMN sync.quarantine.edit IS 'What it did, as JSON; NULL where that could not be read, as of a change that builds on a refused one.';
COMMENT ON COLUMN sync.quarantine.policy IS 'The rule that refused it, where one did.';
COMMENT ON COLUMN sync.quarantine.sentence IS 'What the author read.';
COMMENT ON COLUMN sync.quarantine.claimed_at IS 'When it was made, as the device says.';
CREATE INDEX quarantine_author ON sync.quarantine (author, refused_at);

ALTER TABLE sync.quarantine ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync.quarantine FORCE ROW LEVEL SECURITY;
CREATE POLICY server_all ON sync.quarantine TO pantry_server, CURRENT_USER USING (true) WITH CHECK (true);
COMMENT ON POLICY server_all ON sync.quarantine IS 'The server keeps this table.';
CREATE POLICY work_of_your_people ON sync.quarantine FOR SELECT TO authenticated
    USING (
        author = (SELECT app.current_user_id())
        OR (SELECT app.is_admin())
        OR author IN (SELECT app.managed_users())
    );
COMMENT ON POLICY work_of_your_people ON sync.quarantine IS 'You see refused work of your own and of the people who report to you.';
GRANT SELECT, INSERT ON sync.quarantine TO pantry_server;
GRANT SELECT ON sync.quarantine TO authenticated;

CREATE VIEW reports.refused WITH (security_invoker = true) AS
    SELECT u.full_name AS rep, q.refused_at, q.claimed_at AS made_at, q.kind, q.record_id AS record,
           q.edit, q.code, q.policy, q.sentence
    FROM sync.quarantine q JOIN public.users u ON u.id = q.author
    ORDER BY q.refused_at DESC, q.claimed_at DESC, q.hash;
COMMENT ON VIEW reports.refused IS 'Edits that were refused, of the reader and of those who report to the reader, newest first.';
REVOKE ALL ON reports.refused FROM public;
GRANT SELECT ON reports.refused TO authenticated;
