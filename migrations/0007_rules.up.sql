-- Rules of the business that look at what an edit makes of a record.

-- Only the step itself is judged, so that a deal that was closed in some other way takes edits.
CREATE FUNCTION app.check_closing() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'PT422', CONSTRAINT = 'closed_deals_need_a_reason',
        SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
        MESSAGE = 'A lost deal needs a reason; close it again and say why.';
END $$;
COMMENT ON FUNCTION app.check_closing() IS 'Refuses to close a deal as lost without a reason.';
REVOKE ALL ON FUNCTION app.check_closing() FROM public;
CREATE TRIGGER closed_deals_need_a_reason BEFORE UPDATE ON public.opportunities
    FOR EACH ROW WHEN (
        NEW.stage = 'closed-lost' AND NEW.stage IS DISTINCT FROM OLD.stage
        AND coalesce(trim(NEW.close_reason), '') = '')
    EXECUTE FUNCTION app.check_closing();
-- After and not before, because an upsert fires BEFORE INSERT for rows that stand already.
CREATE TRIGGER deals_begin_with_a_reason AFTER INSERT ON public.opportunities
    FOR EACH ROW WHEN (NEW.stage = 'closed-lost' AND coalesce(trim(NEW.close_reason), '') = '')
    EXECUTE FUNCTION app.check_closing();
COMMENT ON TRIGGER deals_begin_with_a_reason ON public.opportunities IS 'A lost deal needs a reason; close it again and say why.';
COMMENT ON TRIGGER closed_deals_need_a_reason ON public.opportunities IS 'A lost deal needs a reason; close it again and say why.';
