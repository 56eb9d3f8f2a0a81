DROP VIEW public.account_finances;
DROP TRIGGER note_late_finances ON public.organizations;
DROP TRIGGER note_finance_reassignment ON public.organizations;
DROP FUNCTION app.note_late_finances(), app.note_finance_reassignment();
DROP TABLE public.organization_finance;
