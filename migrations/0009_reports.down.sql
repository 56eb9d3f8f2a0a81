DROP SCHEMA reports CASCADE;
DROP FUNCTION app.local_day(timestamptz, text), app.iso_week(date), app.month_of(date),
    app.quarter_of(date), app.days_between(date, date), app.days_ago(integer), app.of_percent(numeric);
DROP VIEW public.organization_activity;
DROP VIEW public.dangling_references;
