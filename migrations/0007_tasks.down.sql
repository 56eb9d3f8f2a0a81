DROP TABLE public.tasks;
DROP FUNCTION app.has_task(uuid);
