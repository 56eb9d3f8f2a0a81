DROP TRIGGER audit_assignment ON public.organizations;
DROP FUNCTION app.audit_assignment();
