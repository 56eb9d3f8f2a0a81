-- The records' tables. Columns follow the declarations in sync-core/src/schema; a test compares them.
--
-- Every column but the id may be NULL, because a faulty document must still project. No foreign key
-- joins the records: a child may arrive days before its parent, or its parent may never be seen, and
-- neither may block the edit. The view dangling_references lists what hangs in the air.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

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
    priority_level priority_level,
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
    stage opportunity_stage,
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
    interaction_type interaction_type,
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

CREATE INDEX organizations_assigned ON public.organizations (assigned_user_id);
CREATE INDEX organizations_secondary ON public.organizations (secondary_user_id) WHERE secondary_user_id IS NOT NULL;
CREATE INDEX organizations_territory ON public.organizations (territory_id) WHERE territory_id IS NOT NULL;
CREATE INDEX organizations_priority ON public.organizations (priority_level) WHERE NOT is_deleted;
CREATE INDEX organizations_name_trgm ON public.organizations USING gin (name gin_trgm_ops);
CREATE INDEX contacts_organization ON public.contacts (organization_id);
CREATE INDEX opportunities_organization ON public.opportunities (organization_id);
CREATE INDEX interactions_organization ON public.interactions (organization_id, occurred_at);
CREATE INDEX interactions_user ON public.interactions (user_id, occurred_at);
CREATE INDEX tasks_organization ON public.tasks (organization_id);
CREATE INDEX tasks_assignee ON public.tasks (assignee_id, due_date) WHERE NOT is_completed;

CREATE VIEW public.dangling_references WITH (security_invoker = true) AS
    SELECT 'contacts' AS child_table, c.id AS child_id, c.organization_id AS missing_id
    FROM public.contacts c WHERE c.organization_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = c.organization_id)
    UNION ALL
    SELECT 'opportunities', c.id, c.organization_id FROM public.opportunities c WHERE c.organization_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = c.organization_id)
    UNION ALL
    SELECT 'interactions', c.id, c.organization_id FROM public.interactions c WHERE c.organization_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = c.organization_id)
    UNION ALL
    SELECT 'tasks', c.id, c.organization_id FROM public.tasks c WHERE c.organization_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM public.organizations o WHERE o.id = c.organization_id);
COMMENT ON VIEW public.dangling_references IS 'Records whose account has not arrived, or is not visible to whoever asks.';
GRANT SELECT ON public.dangling_references TO authenticated;
