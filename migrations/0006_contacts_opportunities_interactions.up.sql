-- What hangs from an account and is seen and written with it: contacts, deals and interactions.
-- Columns as in 0004_organizations.

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
COMMENT ON TABLE public.contacts IS 'A person who works at an organization. Deleted ones stay in it: WHERE NOT is_deleted leaves them out.';
SELECT setup.record_table('public.contacts');
-- Birthdays.
SELECT setup.sample_nothing_of('public.contacts', 'date');
SELECT setup.follows_its_account('public.contacts', 'created_by');
CREATE INDEX contacts_organization ON public.contacts (organization_id);
CREATE INDEX contacts_alone ON public.contacts (created_by) WHERE organization_id IS NULL;

CREATE TYPE public.opportunity_stage AS ENUM ('prospecting', 'qualification', 'proposal', 'negotiation', 'closed-won', 'closed-lost');
COMMENT ON TYPE public.opportunity_stage IS 'Where a deal stands; the last two are its end.';
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
COMMENT ON TABLE public.opportunities IS 'A deal: something an organization may come to buy. Deleted ones stay in it: WHERE NOT is_deleted leaves them out.';
SELECT setup.record_table('public.opportunities');
SELECT setup.names_people('public.opportunities', 'user_id');
SELECT setup.follows_its_account('public.opportunities', 'created_by');
COMMENT ON COLUMN public.opportunities.estimated_value_minor IS 'In minor units of the currency beside it; while contested, the lower.';
COMMENT ON COLUMN public.opportunities.weighted_value_minor IS 'Value times probability, in minor units.';
COMMENT ON COLUMN public.opportunities.probability IS 'In percent: by stage, unless the rep gave their own.';
COMMENT ON COLUMN public.opportunities.stage_disputed IS 'Won and lost at once; counts as neither until somebody decides.';
CREATE INDEX opportunities_organization ON public.opportunities (organization_id);

CREATE TRIGGER only_managers_hand_over BEFORE UPDATE ON public.opportunities
    FOR EACH ROW WHEN (OLD.user_id IS DISTINCT FROM NEW.user_id)
    EXECUTE FUNCTION app.managers_alone();
COMMENT ON TRIGGER only_managers_hand_over ON public.opportunities IS 'Only a manager may give a deal to somebody else.';

-- Only the step itself is judged, so that a deal that was closed in some other way takes edits.
CREATE FUNCTION app.check_closing() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT422');
    RETURN NULL;
END $$;
COMMENT ON FUNCTION app.check_closing() IS 'Refuses to close a deal as lost without a reason.';
CREATE TRIGGER closed_deals_need_a_reason BEFORE UPDATE ON public.opportunities
    FOR EACH ROW WHEN (
        NEW.stage = 'closed-lost' AND NEW.stage IS DISTINCT FROM OLD.stage
        AND coalesce(trim(NEW.close_reason), '') = '')
    EXECUTE FUNCTION app.check_closing();
COMMENT ON TRIGGER closed_deals_need_a_reason ON public.opportunities IS 'A lost deal needs a reason; close it again and say why.';

-- An upsert fires BEFORE INSERT for rows that exist, too; these are no beginnings.
CREATE FUNCTION app.check_first_stage() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.opportunities WHERE id = NEW.id) THEN
        PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT422');
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION app.check_first_stage() IS 'Refuses a deal that begins as lost without a reason.';
CREATE TRIGGER deals_begin_with_a_reason BEFORE INSERT ON public.opportunities
    FOR EACH ROW WHEN (NEW.stage = 'closed-lost' AND coalesce(trim(NEW.close_reason), '') = '')
    EXECUTE FUNCTION app.check_first_stage();
COMMENT ON TRIGGER deals_begin_with_a_reason ON public.opportunities IS 'A lost deal needs a reason; close it again and say why.';

CREATE TYPE public.interaction_type AS ENUM ('CALL', 'EMAIL', 'MEETING', 'VISIT', 'DEMO', 'PROPOSAL', 'FOLLOW_UP', 'SAMPLE');
COMMENT ON TYPE public.interaction_type IS 'What happened between a rep and an account.';
CREATE TABLE public.interactions (
    id uuid PRIMARY KEY,
    created_at timestamptz,
    created_by uuid,
    organization_id uuid,
    user_id uuid,
    planned_at timestamptz,
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
COMMENT ON TABLE public.interactions IS 'A call, visit, meeting or other contact with an organization. Deleted ones stay in it: WHERE NOT is_deleted leaves them out.';
SELECT setup.record_table('public.interactions');
SELECT setup.sample_words_of('public.interactions', 'status');
SELECT setup.names_people('public.interactions', 'user_id');
SELECT setup.follows_its_account('public.interactions', 'coalesce(user_id, created_by)');
COMMENT ON COLUMN public.interactions.planned_at IS 'For when it is or was planned.';
COMMENT ON COLUMN public.interactions.occurred_at IS 'When it took place: a claim. NULL while it is only planned.';
COMMENT ON COLUMN public.interactions.check_in_at_ms IS 'Milliseconds since 1970 UTC, by the device''s clock.';
COMMENT ON COLUMN public.interactions.check_out_at_ms IS 'Milliseconds since 1970 UTC, by the device''s clock.';
-- When somebody was where is their own word, and their manager's: also what is noted once, which nobody
-- could put right.
CREATE FUNCTION app.check_correction() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF app.current_role_name() = 'sales_rep' AND OLD.user_id IS DISTINCT FROM app.current_user_id() THEN
        PERFORM app.refuse(NEW.id, TG_RELID, TG_NAME, 'PT422');
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION app.check_correction() IS 'Refuses a sales rep who says when a colleague''s visit took place, began or ended.';
CREATE TRIGGER only_whose_it_was_corrects_the_time BEFORE UPDATE ON public.interactions
    FOR EACH ROW WHEN (
        (OLD.occurred_at, OLD.check_in_at_ms, OLD.check_in_lat, OLD.check_in_lng, OLD.check_out_at_ms, OLD.check_out_lat, OLD.check_out_lng)
        IS DISTINCT FROM
        (NEW.occurred_at, NEW.check_in_at_ms, NEW.check_in_lat, NEW.check_in_lng, NEW.check_out_at_ms, NEW.check_out_lat, NEW.check_out_lng))
    EXECUTE FUNCTION app.check_correction();
COMMENT ON TRIGGER only_whose_it_was_corrects_the_time ON public.interactions IS 'When and where a visit took place, began and ended is for whose visit it was, or a manager, to say.';

CREATE INDEX interactions_organization ON public.interactions (organization_id, occurred_at);
CREATE INDEX interactions_user ON public.interactions (user_id, occurred_at);

SELECT setup.close_functions();
