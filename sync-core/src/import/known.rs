//! Under which headings the fields are known: the tables behind `headings`.

/// A target, and the headings under which it is known, the surest first.
pub(super) type Known = (&'static str, &'static [&'static str]);

pub(super) const ORGANIZATION: &[Known] = &[
    ("custom_fields.source_id", &[
        "record id", "account id", "account id 18 digits", "organization - id", "legacy id",
        "(do not modify) account", "camis", "license id", "fhrsid", "siret", "restaurant_id",
        "source_id", "external_id", "customer number", "customer no", "customer id", "kd-nr",
        "kundennummer", "kundennr", "id",
    ]),
    ("name", &[
        "name", "company name", "account name", "organization - name", "organization name",
        "customer full name", "doing business as name", "dba name", "dba", "businessname",
        "business name", "app_libelle_etablissement", "enseigne1etablissement", "legal name", "company",
        "customer", "restaurant", "restaurant name", "firma", "firmenname", "société", "nom", "account",
        "organization",
        "organisation", "customer name", "kunde", "nombre", "empresa", "cuenta", "razon social",
    ]),
    ("organization_type", &[
        "type", "relationship type", "account type",
        "organization type", "tipo", "typ",
    ]),
    ("industry_segment", &[
        "industry", "segment", "facility type", "businesstype", "filtre", "branche",
        "industry segment", "segmento", "sector",
    ]),
    ("business_type", &[
        "business type",
    ]),
    ("cuisine", &[
        "cuisine", "cuisine description",
        "cocina", "kuche",
    ]),
    ("website", &[
        "website", "website url", "web page", "web site", "url", "company domain name", "domain",
        "homepage", "webseite",
        "sitio web", "pagina web",
    ]),
    ("employee_count", &[
        "number of employees", "employees", "employee count", "no. of employees",
    ]),
    ("priority_level", &[
        "priority", "priority level", "class", "klasse", "rating",
        "prioridad",
    ]),
    ("billing_address.street", &[
        "street address", "street address 1", "billing street", "billingstreet", "address 1: street 1",
        "building", "street", "address", "address 1", "address line 1", "addressline1",
        "street address 2", "address 1: street 2", "address 2", "address line 2", "addressline2",
        "addressline3", "addressline4", "bill address", "billing address", "organization - address",
        "address 1 - formatted", "numerovoie", "typevoie", "libellevoieetablissement", "straße",
        "strasse", "adresse", "rue",
        "calle", "direccion",
    ]),
    ("billing_address.city", &[
        "city", "billing city", "billing address - city", "address 1: city", "boro", "borough",
        "libelle_commune", "town", "ort", "stadt", "ville",
        "mailing city", "ciudad",
    ]),
    ("billing_address.state", &[
        "state", "state/region", "billing state/province", "billing state", "address 1: state/province",
        "state/province", "province", "region", "bundesland",
        "estado", "provincia",
    ]),
    ("billing_address.postal_code", &[
        "postal code", "postal_code", "zip", "zipcode", "zip code", "billing zip/postal code",
        "billing code", "address 1: zip/postal code", "zip/postal code", "postcode", "code_postal",
        "plz",
        "billing zip", "codigo postal", "cp",
    ]),
    ("billing_address.country", &[
        "country", "country/region", "billing country", "address 1: country/region", "land", "pays",
        "pais",
    ]),
    ("shipping_address.street", &[
        "ship address", "shipping address", "shipping street",
    ]),
    ("shipping_address.city", &[
        "shipping city",
    ]),
    ("shipping_address.state", &[
        "shipping state/province", "shipping state",
    ]),
    ("shipping_address.postal_code", &[
        "shipping zip/postal code", "shipping code", "shipping zip",
    ]),
    ("shipping_address.country", &[
        "shipping country",
    ]),
    ("location", &[
        "location", "geores", "coordinates",
    ]),
    ("location.lat", &[
        "latitude", "lat", "@lat",
        "latitud",
    ]),
    ("location.lng", &[
        "longitude", "lng", "lon", "long", "@lon",
        "longitud",
    ]),
    ("phones", &[
        "phone", "phone number", "phone numbers", "phones", "telephone", "telephone number",
        "main phone", "business phone", "mobile", "mobile phone", "cell", "cell phone", "telefon",
        "téléphone", "tel",
        "work phone", "mobile phone number", "telefono", "celular", "movil",
    ]),
    ("emails", &[
        "email", "e-mail", "emails", "email address", "e-mail address",
        "email (primary contact) (contact)", "mail",
        "primary email", "correo", "correo electronico",
    ]),
    ("parent_organization_id", &[
        "parent account", "parent company", "parent",
    ]),
    ("tags", &[
        "tags", "tag", "labels", "organization - labels", "categories",
        "etiquetas",
    ]),
    ("notes", &[
        "notes", "note", "description", "memo", "comments", "comment", "bemerkung", "bemerkungen",
        "remarks",
        "notas", "comentarios",
    ]),
];

pub(super) const CONTACT: &[Known] = &[
    ("custom_fields.source_id", &[
        "record id", "contact id", "person - id", "source_id", "external_id", "(do not modify) contact",
        "id",
    ]),
    ("first_name", &[
        "first name", "given name", "firstname", "person - first name", "vorname", "prénom", "forename",
    ]),
    ("last_name", &[
        "last name", "family name", "lastname", "surname", "person - last name", "nachname", "nom",
    ]),
    ("full_name", &[
        "name", "full name", "contact name", "person - name", "display name", "contact",
        "customer name",
    ]),
    ("job_title", &[
        "job title", "title", "position", "organization title", "organization 1 - title", "role",
        "person - job title",
    ]),
    ("department", &[
        "department", "organization department",
    ]),
    ("organization_id", &[
        "organization_id", "associated company ids (primary)", "associated company ids", "accountid",
        "account name.id", "account id", "company id", "customer number", "company", "company name",
        "associated company", "associated company (primary)", "account name", "account",
        "organization name", "organization 1 - name", "person - organization", "organization",
        "employer", "restaurant", "customer", "firma",
    ]),
    ("birthday", &[
        "birthday", "birth date", "date of birth",
    ]),
    ("linkedin_url", &[
        "linkedin", "linkedin url", "linkedin profile",
    ]),
    ("preferred_contact_method", &[
        "preferred contact method", "preferred method of contact",
    ]),
    ("do_not_contact", &[
        "do not contact", "email opt out", "do not call",
    ]),
    ("is_decision_maker", &[
        "decision maker",
    ]),
    ("emails", &[
        "email", "e-mail", "emails", "email address", "e-mail address", "e-mail 2 address",
        "e-mail 3 address", "e-mail 1 - value", "e-mail 2 - value", "e-mail 3 - value", "primary email",
        "secondary email", "person - email - work", "person - email - home", "person - email - other",
        "work email", "personal email", "mail",
    ]),
    ("phones", &[
        "phone", "phone number", "phones", "mobile phone number", "mobile", "mobile phone", "cell",
        "cell phone", "business phone", "business phone 2", "work phone", "home phone", "home phone 2",
        "primary phone", "other phone", "phone 1 - value", "phone 2 - value", "phone 3 - value",
        "person - phone - work", "person - phone - mobile", "person - phone - home", "direct phone",
        "telephone", "telefon", "tel",
    ]),
    ("account.city", &[
        "city", "mailing city", "business city", "address 1 - city",
    ]),
    ("account.postal_code", &[
        "zip", "postal code", "mailing zip/postal code", "business postal code",
        "address 1 - postal code", "mailing zip",
    ]),
    ("account.state", &[
        "state", "mailing state/province", "business state", "address 1 - region", "mailing state",
    ]),
    ("account.street", &[
        "street", "mailing street", "business street", "address 1 - street", "address",
    ]),
    ("account.country", &[
        "country", "mailing country", "business country/region", "address 1 - country",
    ]),
    ("tags", &[
        "tags", "tag", "labels", "group membership", "categories",
    ]),
    ("notes", &[
        "notes", "note", "description", "comments",
    ]),
];

pub(super) const OPPORTUNITY: &[Known] = &[
    ("custom_fields.source_id", &[
        "record id", "deal id", "opportunity id", "deal - id", "source_id", "external_id",
        "(do not modify) opportunity", "id",
    ]),
    ("name", &[
        "name", "deal name", "opportunity name", "deal - title", "topic", "deal", "title",
    ]),
    ("organization_id", &[
        "organization_id", "associated company ids (primary)", "associated company ids", "accountid",
        "account name.id", "account id", "account name", "associated company",
        "associated company (primary)", "deal - organization", "potential customer", "company name",
        "company", "account", "organization", "customer", "restaurant",
    ]),
    ("opportunity_type", &[
        "opportunity type", "deal type", "type",
    ]),
    ("lead_source", &[
        "lead source", "source",
    ]),
    ("priority", &[
        "priority", "deal priority",
    ]),
    ("stage", &[
        "stage", "deal stage", "deal - stage", "sales stage", "deal - status", "status",
    ]),
    ("estimated_value", &[
        "amount", "deal - value", "est. revenue", "estimated value", "value", "deal value",
        "amount currency", "deal - currency", "currency",
    ]),
    ("estimated_close_date", &[
        "close date", "closing date", "deal - expected close date", "expected close date",
        "est. close date", "estimated close date",
    ]),
    ("probability_override", &[
        "probability (%)", "probability", "deal - probability",
    ]),
    ("cases_per_week", &[
        "cases per week",
    ]),
    ("next_action.what", &[
        "next step", "next action",
    ]),
    ("account.city", &[
        "city",
    ]),
    ("account.postal_code", &[
        "zip", "postal code", "zip code",
    ]),
    ("tags", &[
        "tags", "tag", "labels",
    ]),
    ("description", &[
        "description", "notes", "comments",
    ]),
];

pub(super) const INTERACTION: &[Known] = &[
    ("custom_fields.source_id", &[
        "record id", "activity id", "source_id", "external_id", "id",
    ]),
    ("organization_id", &[
        "organization_id", "account id", "company id", "accountid", "customer", "company",
        "company name", "account", "account name", "company / account", "associated company",
        "regarding", "organization", "restaurant",
    ]),
    ("interaction_type", &[
        "interaction type", "type", "activity type", "activity - type",
    ]),
    ("planned_at", &[
        "planned at", "planned for", "planned", "scheduled for", "scheduled at", "next visit",
    ]),
    ("occurred_at", &[
        "occurred at", "visit date", "activity date", "date", "call start time", "start time",
        "start date", "activity - due date", "when", "time",
    ]),
    ("duration_minutes", &[
        "minutes", "duration", "duration (minutes)", "duration minutes",
    ]),
    ("subject", &[
        "subject", "activity - subject", "title",
    ]),
    ("outcome", &[
        "outcome", "call outcome", "result",
    ]),
    ("lead_contact_id", &[
        "spoke with", "contact", "contact name", "who", "associated contact",
    ]),
    ("opportunity_id", &[
        "opportunity", "opportunity name", "deal", "associated deal",
    ]),
    ("next_steps", &[
        "next step", "next steps", "follow up",
    ]),
    ("status", &[
        "status",
    ]),
    ("account.city", &[
        "city",
    ]),
    ("account.postal_code", &[
        "zip", "postal code", "zip code",
    ]),
    ("tags", &[
        "tags", "tag", "labels",
    ]),
    ("description", &[
        "notes", "note", "note body", "note content", "call notes", "description", "comments",
    ]),
];

pub(super) const TASK: &[Known] = &[
    ("custom_fields.source_id", &[
        "record id", "task id", "activity id", "source_id", "external_id", "id",
    ]),
    ("title", &[
        "title", "subject", "task title", "task", "activity - subject", "name",
    ]),
    ("due_date", &[
        "due date", "activitydate", "activity - due date", "due",
    ]),
    ("task_type", &[
        "task type", "type", "activity - type",
    ]),
    ("priority", &[
        "priority",
    ]),
    ("completed", &[
        "status", "completed", "done", "activity - done", "task status",
    ]),
    ("reminder_at", &[
        "reminder", "reminder date",
    ]),
    ("organization_id", &[
        "organization_id", "whatid", "related to.id", "account id", "related to", "company / account",
        "associated company", "company", "companies", "company name", "account", "account name",
        "organization", "customer", "restaurant",
    ]),
    ("contact_id", &[
        "whoid", "contact name", "contacts", "contact", "associated contact",
    ]),
    ("tags", &[
        "tags", "tag", "labels", "categories",
    ]),
    ("description", &[
        "description", "notes", "note", "comments",
    ]),
];

/// Headings of lists of products, which nobody imports on a device.
pub(super) const PRODUCT: &[&str] = &[
        "item name", "variation name", "sku", "gtin", "product - name", "product name",
        "product number", "product description", "supc", "menu item", "price", "unit and precision",
        "product brand", "product package size", "default unit cost",
    ];

/// Headings that are known and not taken, and why.
pub(super) const LEFT_OUT: &[(&str, &[&str])] = &[
    ("owner", &[
        "company owner", "account owner", "opportunity owner", "owner", "contact owner", "deal owner",
        "deal - owner", "assigned to", "assigned_user_id",
    ]),
    ("finance", &[
        "annual revenue", "revenue", "credit limit", "payment terms", "tax id",
    ]),
    ("computed", &[
        "expected revenue", "weighted amount", "age", "fiscal period", "last activity date",
        "full_name",
    ]),
    ("history", &[
        "create date", "created date", "created time", "created on",
    ]),
];
