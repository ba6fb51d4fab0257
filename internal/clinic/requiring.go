package clinic

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// The bounds of what a kind of visit asks for.
const (
	maxNeeds         = 5
	maxPrerequisites = 5
	maxAge           = 150
)

// Between two visits of a patient there may be years, as between screenings.
var intervals = form.Span{Least: time.Minute, Most: 1_830 * day, Unit: time.Second}

// requires is what the input asks of bookings, once it is checked. Whether its prerequisites exist is still to be seen.
func (in PutVisitKind) requires(check *form.Check) Requirements {
	r := Requirements{
		Needs:         pools(check, in.Needs, "needs"),
		RepeatAfter:   check.Duration(in.RepeatAfter, 0, intervals, "repeatAfter"),
		Prerequisites: in.prerequisites(check),
		Patients:      AllPatients,
		MinimumAge:    check.OptionalCount(in.MinimumAge, 0, maxAge, "minimumAge"),
		MaximumAge:    check.OptionalCount(in.MaximumAge, 0, maxAge, "maximumAge"),
	}
	if in.Patients != nil {
		r.Patients = *in.Patients
		check.That(slices.Contains([]PatientStanding{AllPatients, EstablishedPatients, NewPatients}, r.Patients), "This is ALL, ESTABLISHED or NEW.", "patients")
	}
	check.That(r.MinimumAge == nil || r.MaximumAge == nil || *r.MinimumAge <= *r.MaximumAge, "This is more than maximumAge: nobody could book.", "minimumAge")
	return r
}

// pools reads names of pools without duplicates and answers them sorted.
func pools(check *form.Check, list []string, field string) []string {
	if len(list) > maxNeeds {
		check.Fail("At most "+strconv.Itoa(maxNeeds)+" pools.", field)
		return nil
	}
	var found []string
	for i, s := range list {
		name := check.Line(s, form.MaxKey, form.At([]string{field}, i)...)
		check.That(!slices.Contains(found, name), "This is named twice.", form.At([]string{field}, i)...)
		found = append(found, name)
	}
	slices.Sort(found)
	return found
}

func (in PutVisitKind) prerequisites(check *form.Check) []Prerequisite {
	if len(in.Prerequisites) > maxPrerequisites {
		check.Fail("At most "+strconv.Itoa(maxPrerequisites)+" kinds of visit.", "prerequisites")
		return nil
	}
	var found []Prerequisite
	for i, p := range in.Prerequisites {
		same := func(o Prerequisite) bool { return o.VisitKind == p.VisitKind.ID }
		check.That(!slices.ContainsFunc(found, same), "This is named twice.", pathOfPrerequisite(i, "visitKindId")...)
		found = append(found, Prerequisite{
			VisitKind: p.VisitKind.ID, Within: check.Duration(&p.Within, 0, intervals, pathOfPrerequisite(i, "within")...),
		})
	}
	slices.SortFunc(found, func(a, b Prerequisite) int { return bytes.Compare(a.VisitKind[:], b.VisitKind[:]) })
	return found
}

func pathOfPrerequisite(i int, field string) []string {
	return form.At([]string{"prerequisites"}, i, field)
}

// PrerequisiteCircle is what a store answers when a kind of visit would be its own prerequisite, by way of one of those that it names.
type PrerequisiteCircle struct{ By uuid.UUID }

func (PrerequisiteCircle) Error() string {
	return "This kind of visit would have to come before itself."
}

// named says at which prerequisite of the input a circle closes.
func (in PutVisitKind) named(err error) error {
	circle, ok := errors.AsType[PrerequisiteCircle](err)
	if !ok {
		return err
	}
	i := slices.IndexFunc(in.Prerequisites, func(p PutPrerequisite) bool { return p.VisitKind.ID == circle.By })
	return errs.Invalid(circle.Error(), pathOfPrerequisite(i, "visitKindId")...)
}

// knownBefore fails when a prerequisite is no kind of visit of the organisation.
func (s *Service) knownBefore(ctx context.Context, organization uuid.UUID, list []PutPrerequisite) error {
	if len(list) == 0 {
		return nil
	}
	refs := make([]Ref, len(list))
	for i, p := range list {
		refs[i] = p.VisitKind
	}
	found, err := s.store.VisitKinds(ctx, refs)
	if err != nil {
		return err
	}
	for i, ref := range refs {
		if _, ok := found[ref]; !ok || ref.Organization != organization {
			return errs.Missing("kind of visit", pathOfPrerequisite(i, "visitKindId")...)
		}
	}
	return nil
}
