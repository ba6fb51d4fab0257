package access

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Relation is what the holder of an account is to a patient.
type Relation string

// The relations of the contract. FHIR knows them as Person.link and RelatedPerson.
const (
	RelationCaregiver Relation = "CAREGIVER"
	RelationSelf      Relation = "SELF"
)

// MaxLinks is how many patients an account may act for.
const MaxLinks = 20

// Link lets an account act for a patient of its organisation.
type Link struct {
	Patient  uuid.UUID
	Relation Relation
}

// Grant is a break-glass grant that is open: it lets its holder see a patient as one of their own until Until.
type Grant struct {
	ID, Patient uuid.UUID
	Until       time.Time
}

// Bonds are where a circle is looked up. Any method may fail with errs.Busy.
type Bonds interface {
	// Links are those of an account within an organisation, SELF first; at most MaxLinks.
	Links(ctx context.Context, organization, account uuid.UUID) ([]Link, error)
	// Grants are the open ones of a member of the staff.
	Grants(ctx context.Context, organization, holder uuid.UUID) ([]Grant, error)
	// Treated answers those of the patients who have a visit with the provider that wasn't entered in error.
	Treated(ctx context.Context, organization, provider uuid.UUID, patients []uuid.UUID) ([]uuid.UUID, error)
}

// Circle is what is found out about one caller during one request, each thing once and only when it is needed.
// A nil circle knows nobody.
type Circle struct {
	bonds Bonds

	mu      sync.Mutex
	links   []Link
	grants  []Grant
	linked  bool // links were looked up
	granted bool
	treated map[uuid.UUID]bool
}

// NewCircle makes an empty circle.
func NewCircle(bonds Bonds) *Circle { return &Circle{bonds: bonds} }

// Forget has everything looked up anew: it has changed within the request.
func (c *Circle) Forget() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.links, c.grants, c.treated, c.linked, c.granted = nil, nil, nil, false, false
}

func (c *Circle) linksOf(ctx context.Context, a Actor) ([]Link, error) {
	if c == nil {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.linked {
		found, err := c.bonds.Links(ctx, a.Organization, a.ID)
		if err != nil {
			return nil, err
		}
		c.links, c.linked = found, true
	}
	return c.links, nil
}

func (c *Circle) grantsOf(ctx context.Context, a Actor) ([]Grant, error) {
	if c == nil {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.granted {
		found, err := c.bonds.Grants(ctx, a.Organization, a.ID)
		if err != nil {
			return nil, err
		}
		c.grants, c.granted = found, true
	}
	return c.grants, nil
}

// treats answers for each patient whether they are the provider's own.
func (c *Circle) treats(ctx context.Context, a Actor, patients []uuid.UUID) (map[uuid.UUID]bool, error) {
	own := make(map[uuid.UUID]bool, len(patients))
	if c == nil || a.ProviderID == uuid.Nil {
		return own, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var unknown []uuid.UUID
	for _, p := range patients {
		if _, known := c.treated[p]; !known && p != uuid.Nil && !slices.Contains(unknown, p) {
			unknown = append(unknown, p)
		}
	}
	if err := c.look(ctx, a, unknown); err != nil {
		return nil, err
	}
	for _, p := range patients {
		own[p] = c.treated[p]
	}
	return own, nil
}

func (c *Circle) look(ctx context.Context, a Actor, patients []uuid.UUID) error {
	if len(patients) == 0 {
		return nil
	}
	found, err := c.bonds.Treated(ctx, a.Organization, a.ProviderID, patients)
	if err != nil {
		return err
	}
	if c.treated == nil {
		c.treated = map[uuid.UUID]bool{}
	}
	for _, p := range patients {
		c.treated[p] = slices.Contains(found, p)
	}
	return nil
}
