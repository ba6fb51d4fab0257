package transport

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestARequestThatOthersMayReadOtherwiseIsAmbiguous(t *testing.T) {
	many := &strings.Builder{}
	for i := range 100 {
		fmt.Fprintf(many, `"k%d":%d,`, i, i)
	}
	for text, want := range map[string]bool{
		`{"query":"{a}","variables":{"query":1,"Query":2},"extensions":{}}`: false,
		`{"query":"{a}","query":"{b}"}`:                                     true,
		`{"query":"{a}","Query":"{b}"}`:                                     true,
		`{"QUERY":"{a}"}`:                                                   true,
		`{"query":"{a}","variables":{"a":1},"Variables":{"a":2}}`:           true,
		`{"qu\u0065ry":"{a}","query":"{b}"}`:                                true,
		`{"documentid":"x"}`:                                                true,
		`{"operationname":null}`:                                            true,
		`{"q\u017fuery":"{a}"}`:                                             false,
		`{"extenſions":{}}`:                                                 true,
		`{"other":1,"other":2}`:                                             true,
		`{"Other":1,"other":2}`:                                             false,
		`{"variables":{"input":{"id":1,"id":2}}}`:                           true,
		`{"variables":{"list":[{"id":1},{"id":2},["id","id"]],"id":3}}`:     false,
		`{"variables":{"a":"{\"a\":1,\"a\":2}","b":"\\"}}`:                  false,
		`{"a":{},"b":[],"c":{"a":null,"b":true,"c":-1e5},"d":""}`:           false,
		`{` + many.String() + `"k100":0}`:                                   false,
		`{` + many.String() + `"k99":0}`:                                    true,
		`[]`:                                                                false, `7`: false, `"a"`: false, ` { } `: false,
	} {
		if !json.Valid([]byte(text)) {
			t.Fatalf("%s is no JSON", text)
		}
		if got := ambiguous([]byte(text)); got != want {
			t.Errorf("%.200s is ambiguous: %v", text, got)
		}
	}
}
