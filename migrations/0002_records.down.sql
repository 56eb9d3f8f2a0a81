DROP TABLE public.tasks, public.interactions, public.opportunities, public.contacts, public.organizations;
DROP TYPE public.opportunity_stage;
DROP TYPE public.interaction_type;
DROP TYPE public.priority_level;
-- The extension stays: other schemas may use it.
