package demo

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

//go:embed us-pharmacies/locations.csv
var pharmacies string

const siteColumns = 11

// Sites are real pharmacies of the United States, neighbours mostly beside each other. See us-pharmacies/README.md for their
// source and licence.
func Sites() ([]clinic.PutLocation, error) {
	reader := csv.NewReader(strings.NewReader(pharmacies))
	reader.FieldsPerRecord = siteColumns
	rows, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("the pharmacies' sites: %w", err)
	}
	sites := make([]clinic.PutLocation, 0, len(rows)-1)
	for _, row := range rows[1:] {
		site, err := siteOf(row)
		if err != nil {
			return nil, fmt.Errorf("the pharmacies' sites: %w", err)
		}
		sites = append(sites, site)
	}
	return sites, nil
}

func siteOf(row []string) (clinic.PutLocation, error) {
	id, brand, line, city, region, postal, country, zone, phone := row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[9], row[10]
	latitude, err := strconv.ParseFloat(row[7], 64)
	if err != nil {
		return clinic.PutLocation{}, err
	}
	longitude, err := strconv.ParseFloat(row[8], 64)
	return clinic.PutLocation{
		Identifier: clinic.Identifier{System: "https://demo.example/us-pharmacies", Value: id}, Name: brand + " (" + city + ", " + region + ")",
		TimeZone: zone, AddressLines: []string{line, city + ", " + region}, PostalCode: &postal, Country: &country,
		Latitude: &latitude, Longitude: &longitude, Phone: &phone,
	}, err
}
