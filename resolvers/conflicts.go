package resolvers

import (
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/internal/conflict"
)

func rearm(_ *ids, in model.RearmConflictDetectionInput) conflict.Rearm {
	return conflict.Rearm{Until: in.Until}
}
