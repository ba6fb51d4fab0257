package app

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/graph/socket"
)

// LiveSettings bound the sockets and the streams of events that are open at once.
type LiveSettings struct {
	Origins    Origins `env:"ALLOWED_ORIGINS" help:"origins of other sites whose pages may use the API, its sockets and streams, e.g. https://app.example.org; pages of the API's own host always may"`
	Total      int     `env:"STREAMS" envDefault:"20000" help:"most sockets and streams of this process at once"`
	Client     int     `env:"STREAMS_PER_CLIENT" envDefault:"5" help:"most of them of one who signed in"`
	Address    int     `env:"STREAMS_PER_ADDRESS" envDefault:"50" help:"most of them of one address, of those who haven't; a whole clinic may share one"`
	Operations int     `env:"SOCKET_OPERATIONS" envDefault:"10" help:"most live operations of a socket"`
	Message    int     `env:"SOCKET_MESSAGE" envDefault:"65536" help:"most bytes of a socket's message"`
	Rate       int     `env:"SOCKET_RATE" envDefault:"20" help:"messages a second of a socket; five seconds' may come at once"`
}

// burst is how many seconds' messages of a socket may come at once.
const burst = 5

func (s LiveSettings) check() (faults []fault) {
	for _, limit := range []struct {
		name  string
		value int
	}{
		{"STREAMS", s.Total}, {"STREAMS_PER_CLIENT", s.Client}, {"STREAMS_PER_ADDRESS", s.Address},
		{"SOCKET_OPERATIONS", s.Operations}, {"SOCKET_RATE", s.Rate},
	} {
		faults = append(faults, wantAtLeast(limit.name, limit.value, 1)...)
	}
	return append(faults, wantAtLeast("SOCKET_MESSAGE", s.Message, 1<<10)...)
}

// crowd takes what isn't set as the default.
func (s LiveSettings) crowd() crowd.Limits {
	usual := crowd.Default()
	return crowd.Limits{
		Total: cmp.Or(s.Total, usual.Total), Client: cmp.Or(s.Client, usual.Client), Address: cmp.Or(s.Address, usual.Address),
	}
}

func (s LiveSettings) sockets() socket.Limits {
	limits := socket.Default()
	limits.Operations = cmp.Or(s.Operations, limits.Operations)
	limits.Message = cmp.Or(int64(s.Message), limits.Message)
	limits.Rate = cmp.Or(s.Rate, limits.Rate)
	limits.Burst = burst * limits.Rate
	return limits
}

// Origins are those of web pages, such as https://app.example.org (RFC 6454).
type Origins []string

// UnmarshalText reads origins with commas between them.
func (o *Origins) UnmarshalText(text []byte) error {
	for part := range strings.SplitSeq(string(text), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		u, err := url.Parse(part)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || part != u.Scheme+"://"+u.Host {
			return &settingFault{"must be origins with commas between them, e.g. https://app.example.org,https://desk.example.org"}
		}
		*o = append(*o, part)
	}
	return nil
}
