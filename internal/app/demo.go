package app

import (
	"context"
	"fmt"
	"os"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/intake/demo"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// demoMark is the file beside the databases that says that the demo data are in.
const demoMark = "demo-imported"

// The demo's ids are the same everywhere, so that tokens and examples fit every data folder.
var (
	demoOrganization = uuid.MustParse("01980000-0000-7000-8000-000000000001")
	demoPatient      = uuid.MustParse("01980000-0000-7000-8000-000000000002")
)

// seed sees to the demo organisation and the patient, which the tokens speak for, and on the first start to its data.
func (d *dev) seed(ctx context.Context) error {
	if err := d.app.ensureOrganization(ctx, demoOrganization, "New Jersey pharmacies (demo)"); err != nil {
		return err
	}
	if err := d.app.ensureDemoPatient(ctx); err != nil {
		return err
	}
	if !d.opts.Demo || d.imported() {
		return nil
	}
	if err := d.app.registerDemoPeople(ctx); err != nil {
		return err
	}
	d.say.fact("Demo data", "importing New Jersey's pharmacies")
	if err := d.app.importOrder(ctx, demo.Order(demoOrganization, d.today(), nil), d.opts.Out, d.opts.Out); err != nil {
		return fmt.Errorf("import the demo data: %w", err)
	}
	if err := d.app.furnishDemo(ctx, registrar(), d.today()); err != nil {
		return fmt.Errorf("furnish the demo: %w", err)
	}
	if err := os.WriteFile(d.place.ServersPath(demoMark), nil, 0o600); err != nil {
		return devstack.FileProblem(d.place.ServersPath(demoMark), err)
	}
	return nil
}

// mint signs the tokens, the provider's for the first of the demo's, if there is one.
func (d *dev) mint(ctx context.Context) error {
	var doctor uuid.UUID
	found, err := d.app.provider.ListProviders(ctx, registrar(), provider.Filter{Brief: true}, paging.Window{Size: 1})
	if err != nil {
		return err
	}
	if len(found.Items) > 0 {
		doctor = found.Items[0].ID
	}
	d.facts.Tokens, err = mintDevTokens(d.key, doctor)
	return err
}

// today is the product's date where the demo's sites are.
func (d *dev) today() civil.Date {
	zone, err := clock.Zone(demo.Zone)
	if err != nil {
		panic(err) // the zones are embedded
	}
	return civil.DateOf(d.app.frame.Clock.Now().In(zone))
}

func (d *dev) imported() bool {
	_, err := os.Stat(d.place.ServersPath(demoMark))
	return err == nil
}
