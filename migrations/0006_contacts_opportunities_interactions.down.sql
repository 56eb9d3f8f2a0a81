DROP TABLE public.interactions, public.opportunities, public.contacts;
DROP TYPE public.interaction_type, public.opportunity_stage;
DROP FUNCTION app.check_first_stage(), app.check_closing(), app.check_correction();
