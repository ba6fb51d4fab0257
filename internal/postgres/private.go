package postgres

import (
	"errors"
	"unicode/utf8"

	"github.com/mediconnect/mediconnect/internal/access"
)

// The version byte that leads each private column says how the rest is to be read.
const plainText = 0

var errSealed = errors.New("a private column has a version that this release can't open")

// seal makes the value of a private column.
func seal(p access.Private) []byte {
	return append([]byte{plainText}, p.Reveal()...)
}

// sealed is seal for a column that may be null.
func sealed(p *access.Private) []byte {
	if p == nil {
		return nil
	}
	return seal(*p)
}

// open reads the value of a private column.
func open(column []byte) (access.Private, error) {
	if len(column) == 0 || column[0] != plainText || !utf8.Valid(column[1:]) {
		return "", errSealed
	}
	return access.Private(column[1:]), nil
}

// opened is open for a column that may be null.
func opened(column []byte) (*access.Private, error) {
	if column == nil {
		return nil, nil
	}
	p, err := open(column)
	return &p, err
}
