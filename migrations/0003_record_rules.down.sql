DROP FUNCTION setup.follows_its_account(regclass, text), setup.names_people(regclass, text[]), setup.record_table(regclass);
DROP FUNCTION app.check_people(), app.check_id();
DROP FUNCTION app.check_projects(), app.check_leaving(), app.sees_account(uuid), app.graced_accounts();
DROP TRIGGER forget_holder ON public.users;
DROP FUNCTION app.forget_holder();
DROP TABLE sync.former_holders, app.settings;
DROP FUNCTION app.admins_alone(), app.managers_alone(), app.refuse(uuid, oid, text, text);
