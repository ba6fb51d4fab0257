package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/anchor"
	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// ErrTampered reports that the record of who saw what isn't as it was written. What is wrong has been told.
var ErrTampered = errors.New("the audit record isn't as it was written")

// VerifyAudit is `mediconnect audit verify`: it holds events, chains and anchors against one another, of one organisation when it is
// named, and tells a line for each.
func VerifyAudit(ctx context.Context, environ []string, organization string, out io.Writer) error {
	settings, err := Load[WorkerSettings](environ)
	if err != nil {
		return err
	}
	only, named, err := organizationNamed(organization)
	if err != nil {
		return err
	}
	db, err := postgres.Open(ctx, settings.Database.config())
	if err != nil {
		return err
	}
	defer db.Close()
	keys, err := settings.Keys.open()
	if err != nil {
		return err
	}
	v := audit.NewVerifier(postgres.NewAuditStore(db), keys, anchor.In(settings.Audit.Anchors, keys), clock.System{})
	return inOneSentence(verify(ctx, v, only, named, out))
}

// organizationNamed reads the id of an organisation, as the API shows it or as the database has it.
func organizationNamed(text string) (id uuid.UUID, named bool, err error) {
	if text == "" {
		return uuid.Nil, false, nil
	}
	if id, err = uuid.Parse(text); err == nil {
		return id, true, nil
	}
	id, err = parseOrganization(text)
	return id, true, err
}

func verify(ctx context.Context, v *audit.Verifier, only uuid.UUID, named bool, out io.Writer) error {
	var sum struct {
		tenants, bad int
		rows         int64
		upTo         time.Time
	}
	err := v.Verify(ctx, only, named, func(f audit.Finding) {
		sum.tenants, sum.rows = sum.tenants+1, sum.rows+f.Good
		if f.UpTo.After(sum.upTo) {
			sum.upTo = f.UpTo
		}
		if f.Fault != nil {
			sum.bad++
			fmt.Fprintln(out, describeFault(f))
		}
	})
	var broken *audit.Broken
	if errors.As(err, &broken) {
		fmt.Fprintf(out, "BAD the anchors: %s\n", broken.What)
	} else if err != nil {
		return err
	}
	if named && sum.tenants == 0 {
		return fmt.Errorf("nothing is recorded of organisation %s: is that its id?", only)
	}
	fmt.Fprintf(out, "%d rows of %d organisations are as they were written", sum.rows, sum.tenants-sum.bad)
	if !sum.upTo.IsZero() {
		fmt.Fprintf(out, ", up to %s", sum.upTo.UTC().Format(time.RFC3339))
	}
	fmt.Fprintln(out, ".")
	if sum.bad > 0 || broken != nil {
		return ErrTampered
	}
	return nil
}

func describeFault(f audit.Finding) string {
	line := fmt.Sprintf("BAD organization=%s ordinal=%d", f.Organization, f.Fault.Ordinal)
	if f.Fault.Position > 0 {
		line += fmt.Sprintf(" position=%d", f.Fault.Position)
	}
	if f.Fault.Event != uuid.Nil {
		line += " event=" + f.Fault.Event.String()
	}
	since := "no anchor before it"
	if a := f.Fault.Since; a.Ordinal > 0 {
		since = fmt.Sprintf("since the anchor of %s at ordinal %d", a.At.UTC().Format(time.RFC3339), a.Ordinal)
	}
	return line + ": " + f.Fault.What + " (" + since + ")"
}

func parseOrganization(text string) (uuid.UUID, error) {
	id, err := globalid.ParseAs(globalid.Organization, text)
	return id.Ref.Organization, err
}
