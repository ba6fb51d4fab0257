package intake

// The parts of FHIR R4 resources that a publication's lines are read for, as
// https://github.com/smart-on-fhir/smart-scheduling-links/blob/master/specification.md profiles them.
type (
	fhirLocation struct {
		ID         string           `json:"id"`
		Identifier []fhirIdentifier `json:"identifier"`
		Name       string           `json:"name"`
		Telecom    []fhirContact    `json:"telecom"`
		Address    fhirAddress      `json:"address"`
		Position   *fhirPosition    `json:"position"`
	}
	fhirIdentifier struct {
		System string `json:"system"`
		Value  string `json:"value"`
	}
	fhirContact struct {
		System string `json:"system"`
		Value  string `json:"value"`
	}
	fhirAddress struct {
		Line       []string `json:"line"`
		City       string   `json:"city"`
		State      string   `json:"state"`
		PostalCode string   `json:"postalCode"`
		Country    string   `json:"country"`
	}
	fhirPosition struct {
		Latitude  *float64 `json:"latitude"`
		Longitude *float64 `json:"longitude"`
	}
	fhirSchedule struct {
		ID          string          `json:"id"`
		Actor       []fhirReference `json:"actor"`
		ServiceType []fhirConcept   `json:"serviceType"`
		Extension   []fhirExtension `json:"extension"`
	}
	fhirConcept struct {
		Coding []fhirCoding `json:"coding"`
		Text   string       `json:"text"`
	}
	fhirCoding struct {
		System  string `json:"system"`
		Code    string `json:"code"`
		Display string `json:"display"`
	}
	fhirReference struct {
		Reference string `json:"reference"`
	}
	fhirSlot struct {
		ID        string          `json:"id"`
		Schedule  fhirReference   `json:"schedule"`
		Status    string          `json:"status"`
		Start     string          `json:"start"`
		End       string          `json:"end"`
		Extension []fhirExtension `json:"extension"`
	}
	fhirExtension struct {
		URL          string      `json:"url"`
		ValueInteger *int        `json:"valueInteger"`
		ValueCode    string      `json:"valueCode"`
		ValueCoding  *fhirCoding `json:"valueCoding"`
	}
)

// URLs that the specification fixes.
const (
	serviceTypeSystem   = "http://fhir-registry.smarthealthit.org/CodeSystem/service-type"
	slotCapacityURL     = "http://fhir-registry.smarthealthit.org/StructureDefinition/slot-capacity"
	vaccineProductURL   = "http://fhir-registry.smarthealthit.org/StructureDefinition/vaccine-product"
	contactPhone        = "phone"
	resourceLocation    = "Location"
	resourceSchedule    = "Schedule"
	resourceSlot        = "Slot"
	maxResourceID       = 64
	statusFree          = "free"
	statusBusy          = "busy"
	statusUnavailable   = "busy-unavailable"
	statusTentativeBusy = "busy-tentative"
)
