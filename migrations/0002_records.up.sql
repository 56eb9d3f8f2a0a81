-- The records' tables. Columns follow the declarations in sync-core/src/schema; a test compares them.
--
-- Every column but the id may be NULL, because a faulty document must still project. No foreign key
-- joins the records: a child may arrive days before its parent, or its parent may never be seen, and
-- neither may block the edit. The view dangling_references lists what hangs in the air.

-- Search by similar names needs pg_trgm; without it everything but that works.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') THEN
        CREATE EXTENSION IF NOT EXISTS pg_trgm;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'pg_trgm may not be created by this login; names go without their trigram index';
END $$;

CREATE TYPE public.priority_level AS ENUM ('A', 'B', 'C', 'D');
CREATE TYPE public.interaction_type AS ENUM ('CALL', 'EMAIL', 'MEETING', 'VISIT', 'DEMO', 'PROPOSAL', 'FOLLOW_UP', 'SAMPLE');
CREATE TYPE public.opportunity_stage AS ENUM ('prospecting', 'qualification', 'proposal', 'negotiation', 'closed-won', 'closed-lost');

CREATE TABLE public.organizations (
    id uuid PRIMARY KEY,
    created_at timestamptz,
    created_by uuid,
    name text,
    organization_type text,
    industry_segment text,
    business_type text,
    cuisine text,
    website text,
    employee_count bigint,
    account_status_value text,
    account_status_reason text,
    priority_level public.priority_level,
    billing_address_street text,
    billing_address_city text,
    billing_address_state text,
    billing_address_postal_code text,
    billing_address_country text,
    shipping_address_street text,
    shipping_address_city text,
    shipping_address_state text,
    shipping_address_postal_code text,
    shipping_address_country text,
    location_lat double precision,
    location_lng double precision,
    location_accuracy_m double precision,
    parent_organization_id uuid,
    phones text[],
    emails text[],
    distributors uuid[],
    principals uuid[],
    primary_contact_id uuid,
    notes text,
    assigned_user_id uuid,
    secondary_user_id uuid,
    territory_id uuid,
    merged_into uuid,
    needs_review boolean,
    tags text[],
    custom_fields jsonb,
    is_deleted boolean,
    deleted_at timestamptz,
    updated_at timestamptz,
    updated_by uuid,
    conflict_count bigint,
    violation_count bigint
);
COMMENT ON TABLE public.organizations IS 'A company: somebody to sell to (prospect, customer), to sell for (principal), or who delivers (distributor).';

CREATE TABLE public.contacts (
    id uuid PRIMARY KEY,
    created_at timestamptz,
    created_by uuid,
    organization_id uuid,
    first_name text,
    last_name text,
    job_title text,
    department text,
    preferred_contact_method text,
    preferred_contact_time text,
    linkedin_url text,
    birthday date,
    is_decision_maker boolean,
    authority_level bigint,
    influence_score bigint,
    emails text[],
    phones text[],
    interests text[],
    dietary_restrictions text[],
    do_not_contact boolean,
    notes text,
    tags text[],
    custom_fields jsonb,
    is_deleted boolean,
    deleted_at timestamptz,
    full_name text,
    updated_at timestamptz,
    updated_by uuid,
    conflict_count bigint,
    violation_count bigint
);
COMMENT ON TABLE public.contacts IS 'A person who works at an organization.';

CREATE TABLE public.opportunities (
    id uuid PRIMARY KEY,
    created_at timestamptz,
    created_by uuid,
    organization_id uuid,
    name text,
    opportunity_type text,
    lead_source text,
    priority text,
    decision_timeline text,
    probability_override bigint,
    cases_per_week bigint,
    estimated_close_date date,
    estimated_value_minor bigint,
    estimated_value_currency text,
    principal_organization_id uuid,
    distributor_organization_id uuid,
    stage public.opportunity_stage,
    stage_entered_at timestamptz,
    stage_disputed boolean,
    close_reason text,
    actual_close_date date,
    budget_confirmed boolean,
    authority_confirmed boolean,
    need_confirmed boolean,
    timeline_confirmed boolean,
    proposal_submitted text,
    proposal_date date,
    next_action_what text,
    next_action_date date,
    description text,
    competitor_info text,
    decision_criteria text,
    lessons_learned text,
    contacts uuid[],
    user_id uuid,
    tags text[],
    custom_fields jsonb,
    is_deleted boolean,
    deleted_at timestamptz,
    probability bigint,
    weighted_value_minor bigint,
    updated_at timestamptz,
    updated_by uuid,
    conflict_count bigint,
    violation_count bigint
);
COMMENT ON TABLE public.opportunities IS 'A deal: something an organization may come to buy.';

CREATE TABLE public.interactions (
    id uuid PRIMARY KEY,
    created_at timestamptz,
    created_by uuid,
    organization_id uuid,
    user_id uuid,
    occurred_at timestamptz,
    check_in_at_ms bigint,
    check_in_lat double precision,
    check_in_lng double precision,
    check_out_at_ms bigint,
    check_out_lat double precision,
    check_out_lng double precision,
    interaction_type public.interaction_type,
    duration_minutes bigint,
    subject text,
    outcome text,
    sentiment_score bigint,
    location_lat double precision,
    location_lng double precision,
    location_accuracy_m double precision,
    opportunity_id uuid,
    lead_contact_id uuid,
    description text,
    next_steps text,
    attendees uuid[],
    products_discussed uuid[],
    status text,
    status_at timestamptz,
    tags text[],
    custom_fields jsonb,
    is_deleted boolean,
    deleted_at timestamptz,
    updated_at timestamptz,
    updated_by uuid,
    conflict_count bigint,
    violation_count bigint
);
COMMENT ON TABLE public.interactions IS 'A call, visit, meeting or other contact with an organization.';

CREATE TABLE public.tasks (
    id uuid PRIMARY KEY,
    created_at timestamptz,
    created_by uuid,
    title text,
    task_type text,
    priority text,
    reminder_at timestamptz,
    snooze_until timestamptz,
    due_date date,
    assignee_id uuid,
    organization_id uuid,
    contact_id uuid,
    opportunity_id uuid,
    interaction_id uuid,
    description text,
    is_completed boolean,
    completed_at timestamptz,
    completed_by uuid,
    tags text[],
    custom_fields jsonb,
    is_deleted boolean,
    deleted_at timestamptz,
    updated_at timestamptz,
    updated_by uuid,
    conflict_count bigint,
    violation_count bigint
);
COMMENT ON TABLE public.tasks IS 'A follow-up or another thing to do.';

-- What the guide asks for, and what policies and the feed are driven from.
CREATE INDEX organizations_assigned ON public.organizations (assigned_user_id);
CREATE INDEX organizations_secondary ON public.organizations (secondary_user_id) WHERE secondary_user_id IS NOT NULL;
CREATE INDEX organizations_territory ON public.organizations (territory_id) WHERE territory_id IS NOT NULL;
CREATE INDEX organizations_priority ON public.organizations (priority_level) WHERE is_deleted IS NOT TRUE;
CREATE INDEX contacts_organization ON public.contacts (organization_id);
CREATE INDEX contacts_alone ON public.contacts (created_by) WHERE organization_id IS NULL;
CREATE INDEX opportunities_organization ON public.opportunities (organization_id);
CREATE INDEX interactions_organization ON public.interactions (organization_id, occurred_at);
CREATE INDEX interactions_user ON public.interactions (user_id, occurred_at);
CREATE INDEX tasks_organization ON public.tasks (organization_id);
CREATE INDEX tasks_open ON public.tasks (due_date) WHERE is_completed IS NOT TRUE AND is_deleted IS NOT TRUE;
CREATE INDEX tasks_assignee ON public.tasks (assignee_id, due_date);
-- The operator class lives wherever the extension was put; on Supabase that is not public.
DO $$
DECLARE home text := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm');
BEGIN
    IF home IS NOT NULL THEN
        EXECUTE format('CREATE INDEX organizations_name_trgm ON public.organizations USING gin (name %I.gin_trgm_ops)', home);
    END IF;
END $$;

-- Columns by what they are for, in words that a person with psql can go by.
DO $$
DECLARE
    t text;
    c record;
BEGIN
    FOREACH t IN ARRAY ARRAY['organizations', 'contacts', 'opportunities', 'interactions', 'tasks'] LOOP
        FOR c IN
            SELECT a.attname, w.words FROM pg_attribute a JOIN (VALUES
                ('id', 'Minted on the device that created the record.'),
                ('created_at', 'When the device says it was created: a claim.'),
                ('created_by', 'Who created it.'),
                ('organization_id', 'The account it hangs from, which decides who may see it. It need not have arrived.'),
                ('assigned_user_id', 'Who looks after the account; decides who may see it.'),
                ('secondary_user_id', 'Who looks after it besides; decides who may see it.'),
                ('territory_id', 'Where the account lies; its managers and readers may see it.'),
                ('user_id', 'The rep it is credited to.'),
                ('occurred_at', 'When it happened, by the device''s clock: a claim.'),
                ('merged_into', 'The record that replaces this one.'),
                ('estimated_value_minor', 'In minor units of the currency beside it; while contested, the lower.'),
                ('weighted_value_minor', 'Value times probability, in minor units.'),
                ('probability', 'In percent: by stage, unless the rep gave their own.'),
                ('stage_disputed', 'Won and lost at once; counts as neither until somebody decides.'),
                ('check_in_at_ms', 'Milliseconds since 1970 UTC, by the device''s clock.'),
                ('check_out_at_ms', 'Milliseconds since 1970 UTC, by the device''s clock.'),
                ('due_date', 'When it is due; while contested, the earliest.'),
                ('custom_fields', 'Further values by name.'),
                ('is_deleted', 'Whether a tombstone stands; a record is never removed.'),
                ('deleted_at', 'When the tombstone was written.'),
                ('updated_at', 'When the last change was made, from the changes themselves and never from this database''s clock.'),
                ('updated_by', 'Who made the last change.'),
                ('conflict_count', 'Fields that several people wrote at once; listed in sync.conflicts.'),
                ('violation_count', 'Values that do not fit their declaration and stand as NULL here; listed in sync.violations.')
            ) AS w (name, words) ON w.name = a.attname
            WHERE a.attrelid = format('public.%I', t)::regclass AND a.attnum > 0
        LOOP
            EXECUTE format('COMMENT ON COLUMN public.%I.%I IS %L', t, c.attname, c.words);
        END LOOP;
    END LOOP;
END $$;
COMMENT ON TYPE public.priority_level IS 'How often to visit, A most often.';
COMMENT ON TYPE public.interaction_type IS 'What happened between a rep and an account.';
COMMENT ON TYPE public.opportunity_stage IS 'Where a deal stands; the last two are its end.';

-- Nothing below may be reached before the policies stand; Supabase grants on every fresh table.
DO $$
DECLARE who text;
BEGIN
    FOREACH who IN ARRAY ARRAY['public', 'anon', 'authenticated'] LOOP
        IF who = 'public' OR to_regrole(who) IS NOT NULL THEN
            EXECUTE format('REVOKE ALL ON public.organizations, public.contacts, public.opportunities, public.interactions, public.tasks FROM %s', who);
        END IF;
    END LOOP;
END $$;
