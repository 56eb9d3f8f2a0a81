DROP TRIGGER note_joining ON public.users;
DROP TABLE public.organizations;
DROP TYPE public.priority_level;
DROP FUNCTION app.note_joining(), app.audit_assignment(), app.note_late_accounts(), app.note_reassignment(), app.remember_holders();
DROP FUNCTION app.check_holding(), app.check_created_type();
-- The extension stays: other schemas may use it.
