package intake

// The parts of FHIR R4 resources that a directory is read for (https://hl7.org/fhir/R4/).
type (
	r4Meta struct {
		LastUpdated string `json:"lastUpdated"`
	}
	r4Location struct {
		fhirLocation
		Status           string           `json:"status"`
		Mode             string           `json:"mode"`
		Extension        []fhirExtension  `json:"extension"`
		HoursOfOperation []r4HoursOfPlace `json:"hoursOfOperation"`
	}
	r4HoursOfPlace struct {
		DaysOfWeek  []string `json:"daysOfWeek"`
		AllDay      bool     `json:"allDay"`
		OpeningTime string   `json:"openingTime"`
		ClosingTime string   `json:"closingTime"`
	}
	r4Reference struct {
		Reference  string         `json:"reference"`
		Identifier fhirIdentifier `json:"identifier"`
	}
	r4Identifier struct {
		fhirIdentifier
		Type fhirConcept `json:"type"`
	}
	r4Practitioner struct {
		Active        *bool          `json:"active"`
		Identifier    []r4Identifier `json:"identifier"`
		Name          []r4HumanName  `json:"name"`
		Communication []fhirConcept  `json:"communication"`
	}
	r4HumanName struct {
		Use    string   `json:"use"`
		Text   string   `json:"text"`
		Family string   `json:"family"`
		Given  []string `json:"given"`
		Prefix []string `json:"prefix"`
	}
	r4Role struct {
		Active            *bool            `json:"active"`
		Identifier        []fhirIdentifier `json:"identifier"`
		Period            r4Period         `json:"period"`
		Practitioner      *r4Reference     `json:"practitioner"`
		Location          []r4Reference    `json:"location"`
		HealthcareService []r4Reference    `json:"healthcareService"`
		Specialty         []fhirConcept    `json:"specialty"`
		AvailableTime     []r4Available    `json:"availableTime"`
		NotAvailable      []r4NotAvailable `json:"notAvailable"`
	}
	r4Service struct {
		Active        *bool            `json:"active"`
		Identifier    []fhirIdentifier `json:"identifier"`
		Location      []r4Reference    `json:"location"`
		Type          []fhirConcept    `json:"type"`
		Name          string           `json:"name"`
		AvailableTime []r4Available    `json:"availableTime"`
		NotAvailable  []r4NotAvailable `json:"notAvailable"`
	}
	r4Schedule struct {
		Active          *bool            `json:"active"`
		Identifier      []fhirIdentifier `json:"identifier"`
		ServiceType     []fhirConcept    `json:"serviceType"`
		Actor           []r4Reference    `json:"actor"`
		PlanningHorizon r4Period         `json:"planningHorizon"`
	}
	r4Available struct {
		DaysOfWeek         []string `json:"daysOfWeek"`
		AllDay             bool     `json:"allDay"`
		AvailableStartTime string   `json:"availableStartTime"`
		AvailableEndTime   string   `json:"availableEndTime"`
	}
	r4NotAvailable struct {
		Description string   `json:"description"`
		During      r4Period `json:"during"`
	}
	r4Period struct {
		Start string `json:"start"`
		End   string `json:"end"`
	}
)

const (
	resourceBundle       = "Bundle"
	resourcePractitioner = "Practitioner"
	resourceRole         = "PractitionerRole"
	resourceService      = "HealthcareService"

	npiSystem   = "http://hl7.org/fhir/sid/us-npi"                   // https://hl7.org/fhir/R4/identifier-registry.html
	timezoneURL = "http://hl7.org/fhir/StructureDefinition/timezone" // https://hl7.org/fhir/R4/extension-timezone.html
	uriSystem   = "urn:ietf:rfc:3986"                                // of identifiers that are themselves URIs
)

// inactive says whether a record is no longer, or not yet, to be used.
func inactive(active *bool) bool { return active != nil && !*active }
