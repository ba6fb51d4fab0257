package migrations_test

import (
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// A sound tenant's table to plant faults in.
const bed = `CREATE TABLE beds (organization_id uuid NOT NULL REFERENCES organizations, id uuid NOT NULL, ward uuid NOT NULL,
	starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL, PRIMARY KEY (organization_id, id));
	ALTER TABLE beds ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
	CREATE POLICY tenant ON beds TO mediconnect_app USING (organization_id = (SELECT current_organization())); `

func TestEachFaultOfASchemaIsFound(t *testing.T) {
	pool := pgtest.New(t)
	for _, planted := range []struct{ name, change, want string }{
		{"a table without organisation", `CREATE TABLE beds (id uuid PRIMARY KEY)`, "beds is no global table by name"},
		{"an organisation that may be null", bed + `CREATE TABLE wards (organization_id uuid, id uuid, UNIQUE (organization_id, id))`, "wards is no global table"},
		{"a table without a key", `CREATE TABLE beds (organization_id uuid NOT NULL)`, "beds has no primary key"},
		{"a primary key of the id alone", `CREATE TABLE beds (organization_id uuid NOT NULL, id uuid PRIMARY KEY)`, "beds: beds_pkey does not lead"},
		{"a primary key that ends with the organisation", `CREATE TABLE beds (organization_id uuid NOT NULL, id uuid, PRIMARY KEY (id, organization_id))`, "beds: beds_pkey"},
		{"a unique constraint across organisations", bed + `ALTER TABLE beds ADD CONSTRAINT one UNIQUE (ward)`, "beds: one does not lead"},
		{"a unique index across organisations", bed + `CREATE UNIQUE INDEX one ON beds (ward, organization_id) WHERE ends_at > starts_at`, "beds: one does not lead"},
		{"a unique index of an expression", bed + `CREATE UNIQUE INDEX one ON beds ((organization_id::text))`, "beds: one does not lead"},
		{"an exclusion across organisations", bed + `ALTER TABLE beds ADD CONSTRAINT one EXCLUDE USING gist (ward WITH =, tstzrange(starts_at, ends_at) WITH &&)`, "beds: one does not lead"},
		{"an exclusion of other organisations", bed + `ALTER TABLE beds ADD CONSTRAINT one EXCLUDE USING gist (organization_id WITH <>, ward WITH =)`, "beds: one does not lead"},
		{"a reference by id alone", bed + `ALTER TABLE patients ADD UNIQUE (organization_id, id, identifier_token); ALTER TABLE beds ADD UNIQUE (organization_id, ward);
			CREATE UNIQUE INDEX lone ON patients (id); ALTER TABLE beds ADD CONSTRAINT lies FOREIGN KEY (ward) REFERENCES patients (id)`, "beds: lies does not lead"},
		{"a reference whose sides are crossed", bed + `ALTER TABLE beds ADD UNIQUE (organization_id, ward);
			ALTER TABLE beds ADD CONSTRAINT lies FOREIGN KEY (ward, organization_id) REFERENCES patients (organization_id, id)`, "beds: lies does not lead"},
		{"a global table that refers to a tenant's", `ALTER TABLE log_epoch ADD org uuid, ADD patient uuid,
			ADD CONSTRAINT lies FOREIGN KEY (org, patient) REFERENCES patients`, "log_epoch: lies does not lead"},
		{"a reference to an organisation by another name", bed + `ALTER TABLE beds ADD CONSTRAINT lies FOREIGN KEY (ward) REFERENCES organizations`, "beds: lies does not lead"},
		{"an instant without zone", bed + `ALTER TABLE beds ADD made_at timestamp`, "beds.made_at is a timestamp without time zone"},
		{"an instant of milliseconds without zone", bed + `ALTER TABLE beds ADD made_at timestamp(3)`, "beds.made_at is a timestamp(3) without"},
		{"a time of day", bed + `ALTER TABLE beds ADD made_at time`, "beds.made_at is a time without time zone"},
		{"a function that reads the clock", `CREATE FUNCTION f() RETURNS timestamptz LANGUAGE sql AS 'SELECT Now ()'`, "function f says Now ("},
		{"a function that reads the clock in its body", `CREATE FUNCTION f() RETURNS timestamptz LANGUAGE sql BEGIN ATOMIC SELECT current_timestamp; END`, "function f says CURRENT_TIMESTAMP"},
		{"a function that reads the clock by default", `CREATE FUNCTION f(a timestamptz DEFAULT clock_timestamp()) RETURNS timestamptz LANGUAGE sql AS 'SELECT a'`, "function f says clock_timestamp"},
		{"a procedure that reads the clock by a word", `CREATE PROCEDURE f() LANGUAGE plpgsql AS $$ BEGIN PERFORM 'now'::timestamptz; END $$`, "function f says 'now'::"},
		{"a function that knows zones", `CREATE FUNCTION f(a timestamptz) RETURNS timestamp LANGUAGE sql AS $$ SELECT a AT TIME ZONE 'Europe/Paris' $$`, "function f says AT TIME ZONE"},
		{"a function that knows zones by another name", `CREATE FUNCTION f(a timestamptz) RETURNS timestamp LANGUAGE sql AS $$ SELECT timezone('Europe/Paris', a) $$`, "function f says timezone("},
		{"a literal that is now", `CREATE FUNCTION f() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RETURN timestamptz 'now'; END $$`, "function f says timestamptz 'now'"},
		{"a literal that is cast to now", `CREATE FUNCTION f() RETURNS date LANGUAGE plpgsql AS $$ BEGIN RETURN CAST('today' AS date); END $$`, "function f says CAST('today'"},
		{"a day of the session's zone", `CREATE FUNCTION f(made_at timestamptz) RETURNS date LANGUAGE plpgsql AS $$ BEGIN RETURN made_at::date; END $$`, "function f says _at::date"},
		{"a time of the session's zone", `CREATE FUNCTION f(p jsonb) RETURNS time LANGUAGE plpgsql AS $$ BEGIN RETURN (p->>'at')::timestamptz::time; END $$`, "function f says timestamptz::time"},
		{"a day of the session's zone by a long word", `CREATE FUNCTION f(now_ timestamptz) RETURNS date LANGUAGE plpgsql AS $$ BEGIN RETURN CAST(now_ AS date); END $$`, "function f says CAST(now_ AS date"},
		{"a day that begins in the session's zone", `CREATE FUNCTION f(a timestamptz) RETURNS timestamptz LANGUAGE sql AS $$ SELECT date_trunc('day', a) $$`, "function f says date_trunc("},
		{"an hour of the session's zone", `CREATE FUNCTION f(a timestamptz) RETURNS numeric LANGUAGE sql AS $$ SELECT extract(hour FROM a) $$`, "function f says extract(hour"},
		{"words of the session's zone", `CREATE FUNCTION f(a timestamptz) RETURNS text LANGUAGE sql AS $$ SELECT to_char(a, 'HH24:MI') $$`, "function f says to_char("},
		{"a day that is longer where the clock changes", `CREATE FUNCTION f(a timestamptz) RETURNS timestamptz LANGUAGE sql AS $$ SELECT a + interval '1 day' $$`, "function f says interval '1 day"},
		{"a month as text", `CREATE FUNCTION f(a timestamptz) RETURNS timestamptz LANGUAGE sql AS $$ SELECT a + '2 months'::interval $$`, "function f says '2 months'::interval"},
		{"a view of the session's days", bed + `CREATE VIEW nights AS SELECT starts_at::date AS night FROM beds`, "view nights says _at)::date"},
		{"a trigger that reads the clock", bed + `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
			CREATE TRIGGER late BEFORE INSERT ON beds FOR EACH ROW WHEN (new.starts_at < now()) EXECUTE FUNCTION f()`, "trigger late says now("},
		{"a function that reads the day in its body", `CREATE FUNCTION f() RETURNS date LANGUAGE plpgsql AS $$ BEGIN RETURN current_date; END $$`, "function f says current_date"},
		{"a function in a zone of its own", `CREATE FUNCTION f() RETURNS int LANGUAGE sql SET timezone TO 'Europe/Paris' AS 'SELECT 1'`, "function f says SET \"TimeZone"},
		{"a function that changes the zone", `CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT set_config('timezone', 'Europe/Paris', true) $$`, "function f says set_config('timezone'"},
		{"a trigger whose function reads the clock", bed + `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.starts_at := clock_timestamp(); RETURN NEW; END $$;
			CREATE TRIGGER early BEFORE INSERT ON beds FOR EACH ROW EXECUTE FUNCTION f()`, "function f says clock_timestamp"},
		{"a column that is now by default", bed + `ALTER TABLE beds ADD made_at timestamptz DEFAULT now()`, "beds.made_at by default says now("},
		{"a view that reads the clock", bed + `CREATE VIEW free AS SELECT id FROM beds WHERE starts_at > localtimestamp`, "view free says LOCALTIMESTAMP"},
		{"an index that knows zones", bed + `CREATE INDEX one ON beds ((starts_at AT TIME ZONE 'UTC'))`, "index one says AT TIME ZONE"},
		{"a patient's datum in the open", `ALTER TABLE patients ADD nickname text`, "patients.nickname is text, not private"},
		{"a patient's name that was opened", `ALTER TABLE patients ALTER family_name TYPE bytea`, "patients.family_name is bytea, not private"},
		{"a reason in the open", `ALTER TABLE appointments ALTER reason TYPE bytea`, "appointments.reason is bytea, not private"},
		{"a note in the open", `ALTER TABLE appointments ALTER cancel_note TYPE bytea`, "appointments.cancel_note is bytea, not private"},
		{"a patient's datum elsewhere", `ALTER TABLE holds ADD birth_date date`, "holds.birth_date is date, not private"},
		{"a reason in a new table", bed + `ALTER TABLE beds ADD reason text`, "beds.reason is text, not private"},
		{"a note in a new table", bed + `ALTER TABLE beds ADD nurse_notes text`, "beds.nurse_notes is text, not private"},
		{"a name in a new table", bed + `ALTER TABLE beds ADD surname text`, "beds.surname is text, not private"},
		{"a phone number in a new table", bed + `ALTER TABLE beds ADD phone_of_kin bytea`, "beds.phone_of_kin is bytea, not private"},
		{"an e-mail address in a new table", bed + `ALTER TABLE beds ADD email_hash text`, "beds.email_hash is text, not private"},
		{"a birthday in a new table", bed + `ALTER TABLE beds ADD birthday date`, "beds.birthday is date, not private"},
		{"privacy as text", `ALTER DOMAIN private RENAME TO secret; CREATE DOMAIN private AS text`, "private is text"},
		{"money", bed + `ALTER TABLE beds ADD rent money`, "beds.rent is money"},
		{"a fee with decimals", bed + `ALTER TABLE beds ADD fee_units numeric(8,2)`, "beds.fee_units is numeric(8,2)"},
		{"a float", bed + `ALTER TABLE beds ADD width real`, "beds.width is real"},
		{"claims without a btree", `DROP INDEX claims_by_party`, "claims has no btree on starts_at and ends_at"},
		{"appointments without a btree on their ends", `DROP INDEX appointments_by_provider`, "appointments has no btree on starts_at and ends_at"},
		{"a table without row-level security", `ALTER TABLE patients DISABLE ROW LEVEL SECURITY`, "patients does not force row-level security"},
		{"a table whose owner is above it", `ALTER TABLE patients NO FORCE ROW LEVEL SECURITY`, "patients does not force row-level security"},
		{"a table whose policy is gone", `DROP POLICY tenant ON claims`, "claims has no policy for one tenant at a time"},
		{"a tenant's policy that lets all through", `ALTER POLICY tenant ON claims USING (true)`, "claims.tenant lets mediconnect_app see more than one tenant"},
		{"a tenant's policy that checks nothing written", `ALTER POLICY tenant ON claims WITH CHECK (true)`, "claims has no policy for one tenant at a time"},
		{"a policy for everybody", `CREATE POLICY more ON patients USING (organization_id = (SELECT current_organization()))`, "patients.more is for everybody"},
		{"patients for everybody", `CREATE POLICY more ON patients TO mediconnect_public USING (true)`, "patients.more lets mediconnect_public see"},
		{"a role above row-level security", `ALTER ROLE mediconnect_app BYPASSRLS`, "mediconnect_app is above row-level security"},
		{"a program that is all its roles at once", `ALTER ROLE mediconnect_server INHERIT`, "mediconnect_server has by itself"},
		{"a table of the program's own", `ALTER TABLE holds OWNER TO mediconnect_app`, "holds belongs to mediconnect_app"},
		{"a function above row-level security", `ALTER FUNCTION book SECURITY DEFINER`, "function book runs as its owner"},
		{"a public column that is gone", `ALTER TABLE locations DROP phone`, "locations.phone is excepted by name and does not exist"},
		{"a wall-clock column that is gone", `ALTER TABLE appointments DROP local_start CASCADE`, "appointments.local_start is excepted by name and does not exist"},
		{"a global table that is gone", `DROP TABLE log_epoch`, "log_epoch is global by name and does not exist"},
	} {
		t.Run(planted.name, func(t *testing.T) {
			found := inspect(t, pool, planted.change)
			if !strings.Contains(strings.Join(found, "\n"), planted.want) {
				t.Errorf("want %q, got %q", planted.want, found)
			}
		})
	}
	sound := bed + `CREATE FUNCTION f(a timestamptz, p jsonb) RETURNS numeric LANGUAGE sql AS $$
		SELECT extract(epoch FROM a + interval '48 hours') WHERE (p->>'day')::date IS NOT NULL AND a < (p->>'now')::timestamptz $$`
	if sound := inspect(t, pool, sound); len(sound) > 0 {
		t.Errorf("what is sound is a fault: %q", sound)
	}
}
