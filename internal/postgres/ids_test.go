package postgres

import (
	"reflect"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// Ids go through whatever a store asks: one, none, a list of them, and as what they are in JSON.
func TestIDsComeBackAsTheyWere(t *testing.T) {
	conn, err := pgtest.New(t).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	readIDs(conn.Conn())
	a, b := uuid.New(), uuid.New()
	var one, none uuid.UUID = uuid.Nil, a
	var optional, missing *uuid.UUID
	var list []uuid.UUID
	var inside clinic.Ref
	err = conn.QueryRow(t.Context(), `SELECT $1::uuid, NULL::uuid, $2::uuid, $3::uuid, $4::uuid[], jsonb_build_object('ID', $1::uuid)`, a, &b, missing, []uuid.UUID{b, a}).
		Scan(&one, &none, &optional, &missing, &list, &inside)
	if err != nil || one != a || none != uuid.Nil || *optional != b || missing != nil || !reflect.DeepEqual(list, []uuid.UUID{b, a}) || inside.ID != a {
		t.Errorf("%v %v %v %v %v %v, %v", one, none, optional, missing, list, inside, err)
	}
	var text string
	if err := conn.QueryRow(t.Context(), `SELECT $1::uuid`, a.String()).Scan(&text); err != nil || text != a.String() {
		t.Errorf("%q, %v", text, err)
	}
}
