DROP TRIGGER closed_deals_need_a_reason ON public.opportunities;
DROP TRIGGER deals_begin_with_a_reason ON public.opportunities;
DROP FUNCTION app.check_closing();
