DROP TABLE public.tasks;
DROP FUNCTION app.may_give_task(uuid, uuid);
