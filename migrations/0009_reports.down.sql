DROP SCHEMA reports CASCADE;
DROP VIEW public.organization_activity;
DROP VIEW public.dangling_references;
